/** What a step throws to end the build: Jenkins' AbortException. */
class StepFailed extends IOException {
    StepFailed(String message) {
        super(message)
    }
}
