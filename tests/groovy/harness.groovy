// Runs a list of Jenkinsfiles: `groovy -cp THIS_FOLDER harness.groovy CASES.json ANSWERS.json [SIDE_BY_SIDE]`.
//
// It stands in for Jenkins: its steps do what Jenkins' steps do to a build, `sh` runs the shell. It is no controller: scripts are
// compiled as plain Groovy, not transformed so that they survive a restart, and no plugin's own code runs.
import groovy.json.JsonOutput
import groovy.json.JsonSlurperClassic
import java.util.concurrent.Callable
import java.util.concurrent.Executors

List<Map> cases = new JsonSlurperClassic().parse(new File(args[0]), 'UTF-8') as List<Map>
def pool = Executors.newFixedThreadPool((args.length > 2 ? args[2] : '1') as int)
List answers = pool.invokeAll(cases.collect { Map job -> { -> new Build(job).run() } as Callable })*.get()
pool.shutdown()
new File(args[1]).setText(JsonOutput.toJson(answers), 'UTF-8')
