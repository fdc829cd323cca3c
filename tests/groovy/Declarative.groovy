import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/** `pipeline { … }`: its sections are read first, then the stages run by Jenkins' rules. */
class Declarative {
    static final List<String> ORDER_OF_POST = ['always', 'changed', 'fixed', 'regression', 'aborted', 'failure', 'success',
                                               'unstable', 'unsuccessful', 'cleanup']
    private final Build build

    Declarative(Build build) {
        this.build = build
    }

    Object run(Closure body) {
        Section pipeline = Section.read(body, ['agent', 'parameters', 'environment', 'options', 'stages', 'post', 'libraries',
                                               'tools', 'triggers'])
        pipeline.need('agent', 'stages')
        defaults(pipeline)
        withAgent(pipeline) {
            build.at(build.where.with(variables(pipeline.block('environment')))) {
                guarded(pipeline, null) { stages(pipeline.block('stages')) }
            }
        }
    }

    private void defaults(Section pipeline) {
        Closure parameters = pipeline.block('parameters')
        if (parameters != null) {
            Section.read(parameters, ['booleanParam', 'string', 'choice', 'text', 'password']).all.each { name, values ->
                values.each { List given ->
                    Map parameter = given[0] as Map
                    build.parameters.putIfAbsent(parameter.name, parameter.containsKey('defaultValue') ?
                        parameter.defaultValue : (parameter.choices as List)?.first())
                }
            }
        }
    }

    /** What runs after a stage or a build: `post`, whatever the outcome. */
    private void guarded(Section section, Map stage, Closure body) {
        Throwable failure = null
        try {
            body.call()
        } catch (Throwable thrown) {
            failure = Build.plain(thrown)
            if (stage != null) {
                build.fail(stage, failure)
            } else {
                build.worsen(failure instanceof FlowInterruptedException ? 'ABORTED' : 'FAILURE')
            }
        }
        Closure post = section.block('post')
        if (post != null) {
            Section conditions = Section.read(post, ORDER_OF_POST)
            ORDER_OF_POST.findAll { conditions.has(it) }.each { String condition ->
                String outcome = stage == null ? build.currentBuild.currentResult : stage.result
                if (applies(condition, outcome)) {
                    try {
                        steps(conditions.block(condition)).call()
                    } catch (Throwable thrown) {
                        Throwable cause = Build.plain(thrown)
                        build.say("Error when executing ${condition} post condition: ${cause}")
                        stage == null ? build.worsen('FAILURE') : build.fail(stage, cause)
                        failure = failure ?: cause
                    }
                }
            }
        }
        if (failure != null) {
            throw failure
        }
    }

    private static boolean applies(String condition, String outcome) {
        switch (condition) {
            case 'always': case 'cleanup': case 'changed': return true
            case 'success': return outcome == 'SUCCESS'
            case 'unstable': return outcome == 'UNSTABLE'
            case 'failure': return outcome == 'FAILURE'
            case 'aborted': return outcome == 'ABORTED'
            case 'unsuccessful': return outcome != 'SUCCESS'
            default: return false
        }
    }

    private void stages(Closure body) {
        Throwable failure = null
        Section.read(body, ['stage']).uses('stage').each { List named ->
            if (failure != null) {
                build.skipped(named[0] as String)
                return
            }
            try {
                stage(named[0] as String, named[1] as Closure)
            } catch (Throwable thrown) {
                failure = Build.plain(thrown)
            }
        }
        if (failure != null) {
            throw failure
        }
    }

    private void stage(String name, Closure body) {
        Section section = Section.read(body, ['agent', 'environment', 'when', 'steps', 'post', 'stages', 'parallel', 'matrix',
                                              'options', 'failFast', 'tools', 'input'])
        List<String> bodies = ['steps', 'stages', 'parallel', 'matrix'].findAll { section.has(it) }
        if (bodies.size() != 1) {
            throw new StepFailed("stage ${name} needs one of steps, stages, parallel and matrix")
        }
        Map<String, String> variables = variables(section.block('environment'))
        if (section.has('when') && !build.at(build.where.with(variables)) { due(section.block('when')) }) {
            build.skipped(name)
            return
        }
        build.stage(name) {
            withAgent(section) {
                build.at(build.where.with(variables)) {
                    guarded(section, build.where.stage) { inside(section, bodies[0]) }
                }
            }
        }
    }

    private void inside(Section section, String kind) {
        Closure body = section.block(kind)
        switch (kind) {
            case 'steps': steps(body).call(); break
            case 'stages': stages(body); break
            case 'parallel':
                build.steps.side(Section.read(body, ['stage']).uses('stage').collectEntries { List named ->
                    [(named[0]): { -> stage(named[0] as String, named[1] as Closure) }]
                })
                break
            case 'matrix': matrix(body)
        }
    }

    private void matrix(Closure body) {
        Section matrix = Section.read(body, ['axes', 'excludes', 'stages', 'agent', 'environment', 'post', 'when', 'options'])
        matrix.need('axes', 'stages')
        List<Map<String, String>> cells = [[:]]
        Section.read(matrix.block('axes'), ['axis']).uses('axis').each { List given ->
            Section axis = Section.read(given[0] as Closure, ['name', 'values'])
            cells = cells.collectMany { cell -> axis.uses('values')[0].collect { cell + [(axis.uses('name')[0][0]): it as String] } }
        }
        build.steps.side(cells.collectEntries { Map<String, String> cell ->
            String name = 'Matrix - ' + cell.collect { key, value -> "${key} = '${value}'" }.join(', ')
            [(name): { ->
                build.at(build.where.with(cell)) {
                    build.stage(name) {
                        withAgent(matrix) {
                            build.at(build.where.with(variables(matrix.block('environment')))) {
                                guarded(matrix, build.where.stage) { stages(matrix.block('stages')) }
                            }
                        }
                    }
                }
            }]
        })
    }

    private boolean due(Closure body) {
        Section when = Section.read(body, ['expression', 'branch', 'not', 'allOf', 'anyOf', 'environment', 'tag', 'changeRequest',
                                           'beforeAgent'])
        when.all.every { kind, uses -> uses.every { holds(kind, it) } }
    }

    private boolean holds(String kind, List given) {
        switch (kind) {
            case 'expression': return steps(given[0] as Closure).call() as boolean
            case 'not': return !due(given[0] as Closure)
            case 'allOf': return due(given[0] as Closure)
            case 'anyOf':
                Section either = Section.read(given[0] as Closure, ['expression', 'branch', 'not', 'environment', 'tag'])
                return either.all.any { each, uses -> uses.any { holds(each, it) } }
            case 'branch': return build.where.variables.BRANCH_NAME == given[0]
            case 'environment': return build.where.variables[given[0].name as String] == given[0].value
            case 'changeRequest': return build.where.variables.containsKey('CHANGE_ID')
            case 'tag': return build.where.variables.containsKey('TAG_NAME')
            default: return true
        }
    }

    private void withAgent(Section section, Closure body) {
        if (!section.has('agent')) {
            body.call()
            return
        }
        Object agent = section.uses('agent')[0][0]
        build.calls << [step: 'agent', stage: build.where.stage?.name, arguments: [kind: agent instanceof Closure ?
            Section.read(agent as Closure, ['label', 'docker', 'kubernetes', 'node', 'dockerfile']).all.keySet()[0] : agent]]
        agent == 'none' ? body.call() : build.onNode(true, body)
    }

    private Map<String, String> variables(Closure body) {
        if (body == null) {
            return [:]
        }
        Variables delegate = new Variables(build)
        Closure own = body.rehydrate(delegate, delegate, delegate)
        own.resolveStrategy = Closure.DELEGATE_ONLY
        own.call()
        delegate.set
    }

    /** Steps are the script's business, not that of the block around them. */
    static Closure steps(Closure body) {
        Object script = body.thisObject
        body.rehydrate(script, script, script)
    }
}
