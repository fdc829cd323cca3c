package org.jenkinsci.plugins.workflow.steps

/** An abort by a person, or a `timeout` that ran out. */
class FlowInterruptedException extends InterruptedException {
    FlowInterruptedException(String message = 'Aborted') {
        super(message)
    }
}
