import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption
import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/** The steps: each is called with the arguments that Jenkins knows of it, and noted with them. */
class Steps {
    private final Build build
    private final Map<String, Path> stashes = [:]

    Steps(Build build) {
        this.build = build
    }

    Object call(String name, Object[] given) {
        if (name == 'pipeline') {
            return new Declarative(build).run(given[0] as Closure)
        }
        if (!(Known.PARAMETERS.containsKey(name) || Known.SYMBOLS.containsKey(name)) || name in (build.job.without ?: [])) {
            throw new NoSuchMethodError("No such DSL method '${name}' found among steps ${Known.PARAMETERS.keySet().sort()} " +
                                        "or symbols ${Known.SYMBOLS.keySet().sort()} or globals [currentBuild, env, params, scm]")
        }
        List list = given as List
        Closure body = list && list.last() instanceof Closure ? list.last() as Closure : null
        Map named = arguments(name, body == null ? list : list.init())
        if (Known.SYMBOLS.containsKey(name)) {
            return ['$symbol': name] + named
        }
        note(name, named)
        abortIn(name, named)
        if (name in Known.ON_A_NODE && !build.where.node) {
            throw new StepFailed("Required context class hudson.FilePath is missing: ${name} is called outside of a node")
        }
        String method = "do${name.capitalize()}"
        if (metaClass.respondsTo(this, method, Map, Closure)) {
            return invokeMethod(method, [named, body] as Object[])
        }
        body?.call()
    }

    private static Map arguments(String name, List given) {
        List<String> known = Known.PARAMETERS.containsKey(name) ? Known.PARAMETERS[name] : Known.SYMBOLS[name]
        if (given.isEmpty()) {
            return [:]
        }
        if (name == 'parallel' || known == null) {
            return given[0] as Map
        }
        boolean bare = !(given[0] instanceof Map) || name == 'publishHTML' && !(given[0] as Map).containsKey('target')
        Map named = bare ? [(known ? known[0] : ''): given[0]] : given[0] as Map
        List<String> unknown = (named.keySet() - known) as List
        if (given.size() > 1 || unknown) {
            throw new IllegalArgumentException("Unknown parameter(s) of ${name}: ${unknown ?: given.tail()}")
        }
        named
    }

    private void note(String name, Map named) {
        build.calls << [step: name, stage: build.where.stage?.name, arguments: shown(named)]
        if ((build.job.broken ?: []).contains(name)) {
            throw new IllegalStateException("${name} does not work today")
        }
    }

    /** A person stops the build in this step, or before this command, which is named by its label. */
    private void abortIn(String name, Map named) {
        if (build.job.aborted in [name, "${name}: ${named.label}".toString()]) {
            throw new FlowInterruptedException("Aborted in ${name}")
        }
    }

    private static Object shown(Object value) {
        switch (value) {
            case Map: return (value as Map).collectEntries { key, each -> [(key as String): shown(each)] }
            case Collection: return (value as Collection).collect { shown(it) }
            case Closure: return '{…}'
            case null: case Number: case Boolean: return value
            default: return value as String
        }
    }

    private Path place(Object relative) {
        build.where.folder.resolve(relative as String)
    }

    // The shell

    Object doSh(Map named, Closure body) {
        String script = named.script
        build.say("+ [sh] ${named.label ?: ''}")
        boolean tool = script.contains('jenkins-scan')
        boolean aborted = tool && build.job.aborted == 'sh of the tool'
        Map done = build.outside { Shell.run(script, build.where, build.console, named.returnStdout as boolean,
                                                aborted ? build.job.abortedAt as String : null) }
        int code = tool && build.job.lost != null ? build.job.lost as int : done.code as int
        build.commands << [script: script, stage: build.where.stage?.name, code: code, secrets: holdsSecrets()]
        if (aborted) {
            throw new FlowInterruptedException('Aborted by a person')
        }
        finished(named, code, done.out as String)
    }

    private static Object finished(Map named, int code, String out) {
        if (named.returnStatus) {
            return code
        }
        if (code != 0) {
            throw new StepFailed("script returned exit code ${code}")
        }
        named.returnStdout ? out : null
    }

    private boolean holdsSecrets() {
        List secrets = (build.job.secrets ?: []) as List
        build.where.variables.values().any { value -> secrets.any { value.contains(it as String) } }
    }

    // Results

    Object doEcho(Map named, Closure body) {
        build.say(named.message)
    }

    Object doError(Map named, Closure body) {
        throw new StepFailed(named.message as String)
    }

    Object doUnstable(Map named, Closure body) {
        build.say("WARNING: ${named.message}")
        mark('UNSTABLE', 'UNSTABLE')
    }

    private void mark(String ofBuild, String ofStage) {
        build.worsen(ofBuild)
        if (build.where.stage != null) {
            build.where.stage.result = Build.worst(build.where.stage.result as String, ofStage)
        }
    }

    Object doCatchError(Map named, Closure body) {
        try {
            body()
        } catch (Throwable thrown) {
            Throwable cause = Build.plain(thrown)
            if (cause instanceof FlowInterruptedException && named.catchInterruptions == false) {
                throw cause
            }
            build.say("${named.message ?: ''} ERROR: ${cause.message}")
            String ofBuild = named.buildResult ?: 'FAILURE'
            mark(ofBuild, (named.stageResult ?: ofBuild) as String)
        }
    }

    Object doWarnError(Map named, Closure body) {
        doCatchError(named + [buildResult: 'UNSTABLE', stageResult: 'UNSTABLE'], body)
    }

    // Blocks

    Object doStage(Map named, Closure body) {
        build.stage(named.name as String, body)
    }

    Object doNode(Map named, Closure body) {
        build.onNode(false, body)
    }

    Object doDir(Map named, Closure body) {
        Path folder = place(named.path)
        Files.createDirectories(folder)
        build.at(build.where.inside(folder), body)
    }

    Object doRetry(Map named, Closure body) {
        int left = named.count as int
        while (true) {
            try {
                return body()
            } catch (Exception thrown) {
                if (--left == 0 || Build.plain(thrown) instanceof FlowInterruptedException) {
                    throw Build.plain(thrown)
                }
            }
        }
    }

    Object doWithEnv(Map named, Closure body) {
        Map<String, String> more = [:]
        (named.overrides as List).each { Object entry ->
            int sign = (entry as String).indexOf('=')
            if (sign < 1) {
                throw new IllegalArgumentException("withEnv: ${entry}")
            }
            List<String> pair = [(entry as String).substring(0, sign), (entry as String).substring(sign + 1)]
            if (pair[0].contains('+')) {
                String variable = pair[0].takeWhile { it != '+' }
                more[variable] = [pair[1], build.where.variables[variable]].findAll().join(':')
            } else {
                more[pair[0]] = pair[1]
            }
        }
        build.at(build.where.with(more), body)
    }

    Object doWithCredentials(Map named, Closure body) {
        Map<String, String> bound = [:]
        (named.bindings as List<Map>).each { bound.putAll(bind(it)) }
        build.at(build.where.with(bound), body)
    }

    Map<String, String> bind(Map binding) {
        Map held = ((build.job.credentials ?: [:]) as Map)[binding.credentialsId]
        if (held == null) {
            throw new StepFailed("Could not find credentials entry with ID '${binding.credentialsId}'")
        }
        switch (binding['$symbol']) {
            case 'usernamePassword':
                return [(binding.usernameVariable): held.username, (binding.passwordVariable): held.password]
            case 'string':
                return [(binding.variable): held.secret]
            default:
                File file = File.createTempFile('secret', '.txt')
                file.deleteOnExit()
                file.text = held.secret
                return [(binding.variable): file.path]
        }
    }

    Object doParallel(Map named, Closure body) {
        Map<String, Closure> branches = named.findAll { it.value instanceof Closure }
        side(branches.collectEntries { name, branch -> [(name): { -> build.stage(name as String, branch as Closure) }] })
    }

    /** The branches side by side; the first failure is thrown when all have ended. */
    void side(Map<String, Closure> branches) {
        List<Throwable> failures = [].asSynchronized()
        List<Thread> threads = branches.collect { name, branch ->
            new Thread({
                build.turn.lock()
                try {
                    branch.call()
                } catch (Throwable thrown) {
                    build.say("Failed in branch ${name}")
                    failures << Build.plain(thrown)
                } finally {
                    build.turn.unlock()
                }
            })
        }
        threads*.start()
        build.outside { threads*.join() }
        if (failures) {
            throw failures[0]
        }
    }

    // Files

    Object doCheckout(Map named, Closure body) {
        build.checkOut()
        [GIT_COMMIT: '0123456789abcdef0123456789abcdef01234567', GIT_BRANCH: 'origin/main']
    }

    Object doFileExists(Map named, Closure body) {
        Files.exists(place(named.file))
    }

    Object doReadFile(Map named, Closure body) {
        try {
            new String(Files.readAllBytes(place(named.file)), (named.encoding ?: 'US-ASCII') as String)
        } catch (IOException missing) {
            throw new StepFailed("readFile: ${missing}")
        }
    }

    Object doWriteFile(Map named, Closure body) {
        Files.createDirectories(place(named.file).parent)
        place(named.file).toFile().setText(named.text as String, (named.encoding ?: 'UTF-8') as String)
    }

    Object doIsUnix(Map named, Closure body) {
        true
    }

    Object doPwd(Map named, Closure body) {
        build.where.folder.toString()
    }

    Object doDeleteDir(Map named, Closure body) {
        build.where.folder.toFile().deleteDir()
        Files.createDirectories(build.where.folder)
    }

    Object doArchiveArtifacts(Map named, Closure body) {
        List<Path> files = AntPatterns.matching(build.where.folder, named.artifacts)
        if (files.isEmpty() && !named.allowEmptyArchive) {
            throw new StepFailed("No artifacts found that match the file pattern \"${named.artifacts}\". Configuration error?")
        }
        build.archived.addAll(files*.toString())
    }

    Object doStash(Map named, Closure body) {
        List<Path> files = AntPatterns.matching(build.where.folder, named.includes ?: '**')
        if (files.isEmpty() && !named.allowEmpty) {
            throw new StepFailed("No files included in stash '${named.name}'")
        }
        Path store = Files.createTempDirectory('stash')
        files.each { copied(it, store.resolve(build.where.folder.relativize(it))) }
        stashes[named.name as String] = store
    }

    Object doUnstash(Map named, Closure body) {
        Path store = stashes[named.name as String]
        if (store == null) {
            throw new StepFailed("No such saved stash '${named.name}'")
        }
        store.eachFileRecurse { Path file ->
            if (Files.isRegularFile(file)) {
                copied(file, build.where.folder.resolve(store.relativize(file)))
            }
        }
    }

    private static void copied(Path from, Path to) {
        Files.createDirectories(to.parent)
        Files.copy(from, to, StandardCopyOption.REPLACE_EXISTING)
    }

    // Reports

    Object doJunit(Map named, Closure body) {
        List<Path> files = AntPatterns.matching(build.where.folder, named.testResults)
        if (files.isEmpty() && !named.allowEmptyResults) {
            throw new StepFailed('No test report files were found. Configuration error?')
        }
        if (!named.skipMarkingBuildUnstable && files.any { it.toFile().text =~ /<(failure|error)\b/ }) {
            mark('UNSTABLE', 'UNSTABLE')
        }
    }

    Object doPublishHTML(Map named, Closure body) {
        Map target = named.target as Map
        List unknown = (target.keySet() - Known.HTML) as List
        if (unknown || ['reportDir', 'reportFiles', 'reportName'].any { !target[it] }) {
            throw new IllegalArgumentException("publishHTML: ${unknown ?: 'an argument is missing'}")
        }
        if (!target.allowMissing && !Files.exists(place(target.reportDir))) {
            build.say("ERROR: Specified HTML directory '${target.reportDir}' does not exist.")
            build.worsen('FAILURE')  // the plugin sets the result, and throws nothing
        }
    }

    Object doRecordIssues(Map named, Closure body) {
        List<Map> tools = (named.tools ?: [named.tool]) as List<Map>
        String id = named.id ?: tools[0]?.id ?: tools[0]?.get('$symbol')
        if (build.calls.count { it.step == 'recordIssues' && it.id == id }) {
            throw new IllegalStateException("ID ${id} is already used by another action")
        }
        build.calls.findAll { it.step == 'recordIssues' }.last().id = id
    }
}
