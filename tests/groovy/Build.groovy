import com.cloudbees.groovy.cps.NonCPS
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.Paths
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.locks.ReentrantLock
import org.codehaus.groovy.control.CompilerConfiguration
import org.codehaus.groovy.control.customizers.ImportCustomizer
import org.codehaus.groovy.runtime.InvokerInvocationException
import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/** One build: what the case says, what happens, and what is told of it at the end. */
class Build {
    static final List<String> WORSE = ['SUCCESS', 'UNSTABLE', 'FAILURE', 'NOT_BUILT', 'ABORTED']

    final Map job
    final Path workspace
    final Map<String, Object> parameters = [:]
    final CurrentBuild currentBuild = new CurrentBuild(this)
    final List<Map> stages = [].asSynchronized()
    final List<Map> calls = [].asSynchronized()
    final List<Map> commands = [].asSynchronized()
    final List<String> archived = [].asSynchronized()
    final StringBuffer console = new StringBuffer()
    final ReentrantLock turn = new ReentrantLock()
    final Map<String, PipelineScript> library = [:]
    final Set<Path> busy = [] as Set
    final Steps steps
    String result
    String description
    private final InheritableThreadLocal<Where> here = new InheritableThreadLocal<Where>()
    private final Map<String, Class> classes = [:]
    private static final Map<String, Class> COMPILED = new ConcurrentHashMap<String, Class>()

    Build(Map job) {
        this.job = job
        workspace = Paths.get(job.workspace as String)
        parameters.putAll((job.parameters ?: [:]) as Map)
        here.set(new Where(job.variables as Map, workspace))
        steps = new Steps(this)
    }

    /** Runs the Jenkinsfile; what is thrown out of it decides the result, as in Jenkins. */
    Map run() {
        String error = null
        turn.lock()
        try {
            String script = job.script
            loadLibraries(script)
            parsed(script, 'Jenkinsfile').run()
        } catch (Throwable thrown) {
            Throwable cause = plain(thrown)
            worsen(cause instanceof FlowInterruptedException ? 'ABORTED' : 'FAILURE')
            error = "${cause.class.simpleName}: ${cause.message?.readLines()?.take(2)?.join(' ')}"
            say("ERROR: ${error}")
        } finally {
            turn.unlock()
        }
        [name: job.name, result: result ?: 'SUCCESS', description: description, error: error, stages: stages,
         calls: calls, commands: commands, archived: archived, console: console.toString()]
    }

    static CompilerConfiguration compiler() {
        ImportCustomizer imports = new ImportCustomizer()
        imports.addStarImports('com.cloudbees.groovy.cps')  // as Jenkins does
        CompilerConfiguration configuration = new CompilerConfiguration()
        configuration.scriptBaseClass = PipelineScript.name
        configuration.addCompilationCustomizers(imports, new OnlySteps())
        configuration
    }

    private PipelineScript parsed(String text, String name) {
        classes[name] = COMPILED.computeIfAbsent(text) {  // an object of its own for each build, a class for all of them
            new GroovyClassLoader(getClass().classLoader, compiler()).parseClass(text, "${name}.groovy".toString())
        }
        PipelineScript script = classes[name].newInstance() as PipelineScript
        script.binding = new Binding()
        script.belongsTo(this)
        script
    }

    private void loadLibraries(String script) {
        (script =~ /(?m)^@Library\(['"]([^'"@]+)(?:@[^'"]*)?['"]\)/).each { List<String> match ->
            String folder = (job.libraries ?: [:])[match[1]]
            if (folder == null) {
                throw new StepFailed("Could not find any definition of libraries [${match[1]}]")
            }
            new File(folder, 'vars').eachFileMatch(~/.*\.groovy/) { File file ->
                String name = file.name - '.groovy'
                library[name] = parsed(file.getText('UTF-8'), name)
            }
        }
    }

    /** A call by a script: a global variable of a library, or a step. */
    Object call(String name, Object[] arguments) {
        refuseInNonCps(name)
        if (library.containsKey(name)) {
            Object returned = library[name].invokeMethod('call', arguments)
            serialised(returned)
            return returned
        }
        steps.call(name, arguments)
    }

    /** Jenkins stores the program at every step, so what a library returns has to be serialisable. */
    private static void serialised(Object value) {
        new ObjectOutputStream(new ByteArrayOutputStream()).writeObject(value)
    }

    private void refuseInNonCps(String step) {
        Thread.currentThread().stackTrace.each { StackTraceElement frame ->
            Class script = classes[frame.className]
            if (script?.declaredMethods?.any { it.name == frame.methodName && it.isAnnotationPresent(NonCPS) }) {
                throw new IllegalStateException("step ${step} is called in the @NonCPS method ${frame.methodName}")
            }
        }
    }

    Where getWhere() {
        here.get()
    }

    /** Runs `body` there, and comes back. */
    Object at(Where there, Closure body) {
        Where before = here.get()
        here.set(there)
        try {
            return body.call()
        } finally {
            here.set(before)
        }
    }

    /** Lets other branches go on while `body` waits for something outside: Groovy code runs one branch at a time. */
    Object outside(Closure body) {
        turn.unlock()
        try {
            return body.call()
        } finally {
            turn.lock()
        }
    }

    /** A stage: its result is that of its worst step. */
    Object stage(String name, Closure body) {
        Map stage = [name: name, result: 'SUCCESS', ran: true, within: where.stage?.name]
        Map outer = where.stage
        stages << stage
        try {
            return at(where.inStage(stage), body)
        } catch (Throwable thrown) {
            fail(stage, thrown)
            throw plain(thrown)
        } finally {
            if (outer != null) {
                outer.result = worst(outer.result, stage.result)
            }
        }
    }

    void skipped(String name) {
        stages << [name: name, result: 'NOT_BUILT', ran: false, within: where.stage?.name]
    }

    /** Notes what an exception does to a stage and to the build. */
    void fail(Map stage, Throwable thrown) {
        String outcome = plain(thrown) instanceof FlowInterruptedException ? 'ABORTED' : 'FAILURE'
        stage.result = worst(stage.result, outcome)
        worsen(outcome)
    }

    /** A folder of its own for each node block at a time, as `workspace@2` in Jenkins. */
    Object onNode(boolean checkout, Closure body) {
        Path folder = workspace
        for (int n = 2; folder in busy; n++) {
            folder = workspace.resolveSibling("${workspace.fileName}@${n}")
        }
        busy << folder
        Files.createDirectories(folder)
        try {
            return at(where.onNode(folder)) {
                if (checkout) {
                    checkOut()
                }
                body.call()
            }
        } finally {
            busy.remove(folder)
        }
    }

    void checkOut() {
        (job.sources as Map<String, String>).each { String name, String text ->
            where.folder.resolve(name).text = text
        }
    }

    void worsen(String outcome) {
        result = worst(result ?: 'SUCCESS', outcome)
    }

    static String worst(String one, String other) {
        [one, other].max { WORSE.indexOf(it) }
    }

    void say(Object text) {
        console << "${text}\n"
    }

    static Throwable plain(Throwable thrown) {
        thrown instanceof InvokerInvocationException ? plain(thrown.cause) : thrown
    }
}
