// jenkinsScan(image: 'registry.example.com/team/app:1', region: 'cn-hangzhou', failOn: 'high', …)
//
// Runs jenkins-scan, publishes its reports and gives the verdict to the stage: 0 returns, 11 is unstable, every other code is an error.
// Every argument is in jenkinsScan.txt. Values reach the tool as environment variables and never stand in the text of a script.
// One object serves all branches of a build, so it has no fields. Between two steps only text, numbers, lists and maps are held.

import groovy.json.JsonSlurper

def call(Map args = [:]) {
    String problem = problemWith(args)
    if (problem != null) {
        error("jenkinsScan: ${problem}")
    }
    String folder = args.reportDir ?: 'scan-report'
    Map done = scan(args, folder)
    publish(args, folder, done)
    conclude(args, folder, done)
    return done
}

/** What came of it: the exit code, and what result.json says if it is of this run. */
Map scan(Map args, String folder) {
    try {
        int code = exitCodeOf(args, folder)
        Map told = null
        attempt('result.json', null) {
            told = resultOf(folder, code)
        }
        boolean agreed = told != null && told.exitCode == code && belongTogether(code, told.verdict)
        Map done = [exitCode: code, verdict: 'ERROR', reason: null, images: [], taskIds: [], reportDir: folder, agreed: agreed]
        return agreed ? done + told : done
    } catch (InterruptedException aborted) {  // FlowInterruptedException is one: a person, or a timeout around this step
        keep(args, folder, false)  // the ids of the tasks that were opened
        throw aborted
    }
}

/** Runs the tool, the one command that is given the credentials. */
int exitCodeOf(Map args, String folder) {
    int code = -1
    withCredentialsOf(args) {
        withEnv(variables(args, folder)) {
            code = sh(returnStatus: true, encoding: 'UTF-8', label: 'jenkins-scan', script: '''\
                set +x
                # Not every run gets as far as removing old reports. No result.json counts without a summary.txt; it stays
                # itself, as `wait` or a baseline may be about to read it.
                rm -f -- "$JENKINS_SCAN_REPORT_DIR/summary.txt"
                set -- "$IMAGE_SCAN_COMMAND"
                while IFS= read -r argument; do
                  [ -z "$argument" ] || set -- "$@" "$argument"
                done <<END
$IMAGE_SCAN_ARGUMENTS
END
                exec jenkins-scan "$@"
                ''')
        }
    }
    return code
}

/** What result.json says; of a large one summary.txt, as all of it would have to pass through the controller's memory. */
Map resultOf(String folder, int code) {
    if (!fileExists("${folder}/result.json") || !fileExists("${folder}/summary.txt")) {
        return null
    }
    String summary = readFile(file: "${folder}/summary.txt", encoding: 'UTF-8').trim()
    int size = -1
    withEnv(['IMAGE_SCAN_RESULT=' + folder + '/result.json', 'IMAGE_SCAN_CODE=' + code]) {
        size = sh(returnStatus: true, label: 'size of result.json', script: '''\
            set +x
            [ "$(wc -c < "$IMAGE_SCAN_RESULT")" -gt 4000000 ] || exit 0
            grep -q '^  "exit_code": '"$IMAGE_SCAN_CODE"',*$' "$IMAGE_SCAN_RESULT" || exit 4
            exit 3
            ''')
    }
    Map told = null
    if (size == 0) {
        told = parsed(readFile(file: "${folder}/result.json", encoding: 'UTF-8'))
    } else if (size == 3) {  // large, and its exit code is this one
        told = toldBy(summary)
    }
    return told == null ? null : told + [summary: summary]
}

/** Reports and description. What cannot be published is said, and changes no verdict. */
void publish(Map args, String folder, Map done) {
    keep(args, folder, done.agreed)
    if (!done.agreed) {
        describe(args, "ERROR: image scan, exit code ${done.exitCode}")
        return
    }
    String name = args.name ?: (folder == 'scan-report' ? 'Image scan' : "Image scan ${folder}")
    describe(args, done.summary)
    if (args.junit != false) {
        attempt('junit', 'JUnit') {
            junit(testResults: "${folder}/junit.xml", skipMarkingBuildUnstable: true, allowEmptyResults: true)
        }
    }
    if (args.issues != false) {
        attempt('recordIssues', 'Warnings Next Generation') {
            recordIssues(enabledForFailure: true, tool: issues(pattern: "${folder}/issues.json", reportEncoding: 'UTF-8',
                                                               id: identifier(name), name: name))
        }
    }
    if (args.html != false) {
        attempt('publishHTML', 'HTML Publisher') {
            publishHTML(target: [reportDir: "${folder}/html", reportFiles: 'index.html', reportName: name, keepAll: true,
                                 alwaysLinkToLastBuild: true, allowMissing: true])
        }
    }
}

/** Archives the reports; of a run that nothing confirms only what names its tasks. */
void keep(Map args, String folder, boolean all) {
    if (args.archive != false) {
        attempt('archiveArtifacts', null) {
            if (all || fileExists("${folder}/summary.txt")) {  // without one result.json is an older run's
                String what = all ? "${folder}/**" : "${folder}/result.json,${folder}/summary.txt"
                archiveArtifacts(artifacts: what, allowEmptyArchive: true, fingerprint: true)
            }
        }
    }
}

void describe(Map args, String line) {
    if (args.describe != false) {
        attempt('the build description', null) {
            String before = currentBuild.description
            currentBuild.description = before ? before + '\n' + line : line  // a line for each scan of the build
        }
    }
}

/** Runs `body`; only an abort comes out of it. */
void attempt(String what, String plugin, Closure body) {
    try {
        body()
    } catch (InterruptedException aborted) {
        throw aborted
    } catch (NoSuchMethodError missing) {
        boolean absent = plugin != null && missing.message?.contains('No such DSL method')
        echo(absent ? "jenkinsScan: no ${what} without the plugin ${plugin}: install it, or switch this report off"
                    : "jenkinsScan: ${what} failed: ${missing}")
    } catch (Exception failed) {
        echo("jenkinsScan: ${what} failed: ${failed}")
    }
}

/** The verdict, last of all. */
void conclude(Map args, String folder, Map done) {
    if (!done.agreed) {  // also -1, -2, 127 and 137, which are not the tool's
        error("image scan: exit code ${done.exitCode}, and ${folder}/result.json does not say so; see the log")
    } else if (done.exitCode == 11 && done.verdict == 'WARN') {
        unstable("image scan: ${done.summary}")
    } else if (done.verdict == 'SUBMITTED' && asksForJudgement(args)) {
        error("image scan: a judgement was asked for, and there is none: ${done.summary}")
    } else if (done.exitCode == 0 && done.verdict == 'SUBMITTED') {
        echo('image scan: SUBMITTED. The task is open, the image has NOT been judged.')
    } else if (done.exitCode != 0 || done.verdict != 'PASS') {
        error("image scan: ${done.summary}")
    }
}

void withCredentialsOf(Map args, Closure body) {
    List bindings = []
    if (args.credentialsId != null) {
        bindings << usernamePassword(credentialsId: args.credentialsId, usernameVariable: 'ALIBABA_CLOUD_ACCESS_KEY_ID',
                                     passwordVariable: 'ALIBABA_CLOUD_ACCESS_KEY_SECRET')
    }
    if (args.tokenCredentialsId != null) {
        bindings << string(credentialsId: args.tokenCredentialsId, variable: 'JENKINS_SCAN_TOKEN')
    }
    if (bindings.isEmpty()) {
        body()
    } else {
        withCredentials(bindings) {
            body()
        }
    }
}

/** The arguments that are options of the tool: the end of their variable's name, and the commands that know them. */
@NonCPS
Map optionsOfTheTool() {
    return [region: 'REGION', endpoint: 'ENDPOINT', platform: 'PLATFORM', pushed: 'PUSHED', minQuota: 'MIN_QUOTA', failOn: 'FAIL_ON',
            warnOn: 'WARN_ON', fixableOnly: 'FIXABLE_ONLY', wait: 'WAIT', timeout: 'TIMEOUT', waivers: 'WAIVERS',
            baseline: 'BASELINE', soft: 'SOFT', config: 'CONFIG', reportDir: 'REPORT_DIR']
}

/** Whether PASS is the one verdict that lets the build go on as if nothing were wrong. */
@NonCPS
boolean asksForJudgement(Map args) {
    for (key in ['failOn', 'warnOn']) {
        if (args[key] != null && args[key].toString().toLowerCase() != 'none') {
            return true
        }
    }
    return args.wait == true || args.command?.toString() == 'wait'
}

/** Whether the tool ends with this code and this verdict at once. */
@NonCPS
boolean belongTogether(int code, String verdict) {
    Map only = [0: ['PASS', 'SUBMITTED'], 11: ['WARN']]
    return only.containsKey(code) ? only[code].contains(verdict) : ['FAIL', 'INCOMPLETE', 'ERROR'].contains(verdict)
}

/** What is wrong with the arguments, or null. A typing error must never disarm a gate, so nothing is passed over. */
@NonCPS
String problemWith(Map args) {
    List flags = ['pushed', 'fixableOnly', 'wait', 'archive', 'junit', 'issues', 'html', 'describe']
    List lists = ['images', 'options', 'soft']
    List texts = ['command', 'image', 'result', 'name', 'credentialsId', 'tokenCredentialsId', 'images', 'options'] +
        (optionsOfTheTool().keySet() as List) - flags
    List known = (texts + flags).sort()
    for (key in (args == null ? [null] : args.keySet())) {
        if (!known.contains(key)) {
            return "no argument is called ${key}; these are: ${known.join(', ')}"
        }
        def value = args[key]
        if (flags.contains(key)) {
            if (!(value instanceof Boolean)) {
                return "${key} is true or false, without quotes"
            }
            continue
        }
        List values = lists.contains(key) ? listOf(value) : [value]
        if (values.isEmpty()) {
            return "${key} is empty; leave it out"
        }
        for (each in values) {
            if (!(each instanceof CharSequence || each instanceof Integer)) {
                return "${key} is ${each == null ? 'null; leave it out, or give it a value' : 'neither text nor a number'}"
            }
            String text = each.toString()
            if (text.trim().isEmpty()) {
                return "${key} is empty; leave it out, or give it a value"
            }
            if (text =~ /[\r\n\u0000]/) {
                return "${key} has more than one line"
            }
        }
    }
    return problemTogether(args)
}

@NonCPS
String problemTogether(Map args) {
    String command = args.command ?: 'scan'
    if (!['scan', 'scan-registry', 'wait'].contains(command)) {
        return "no command is called ${command}; these are: scan, scan-registry, wait"
    }
    boolean named = args.image != null || args.images != null
    if (args.image != null && args.images != null) {
        return 'image and images exclude each other'
    }
    if (command == 'wait' && (args.result == null || named)) {
        return 'the command wait takes result, the result.json of the run that opened the tasks, and no image'
    }
    if (command != 'wait' && args.result != null) {
        return 'result belongs to the command wait'
    }
    if (command != 'wait' && !named && args.options == null) {
        return 'image or images is needed'
    }
    List strangers = command == 'scan' ? [] : command == 'wait' ? ['platform', 'pushed', 'minQuota', 'wait'] : ['pushed']
    for (key in strangers) {
        if (args.containsKey(key)) {
            return "the command ${command} has no ${key}"
        }
    }
    String folder = args.reportDir ?: 'scan-report'
    List segments = folder.tokenize('/')
    if (!(folder ==~ /[A-Za-z0-9._@-]+(\/[A-Za-z0-9._@-]+)*/) || segments.contains('.') || segments.contains('..')) {
        return 'reportDir is a folder in the workspace, of letters, digits and . _ @ - /, and of no . or .. alone'
    }
    for (option in listOf(args.options)) {
        if (option.toString().startsWith('--report-dir')) {
            return 'the report folder is named by reportDir'
        }
    }
    return null
}

@NonCPS
List variables(Map args, String folder) {
    // what follows `--` is no option, whatever it begins with
    List arguments = listOf(args.options) + ['--'] + listOf(args.images) + listOf(args.image) + listOf(args.result)
    List set = ["IMAGE_SCAN_COMMAND=${args.command ?: 'scan'}".toString(), 'IMAGE_SCAN_ARGUMENTS=' + arguments.join('\n')]
    Map names = optionsOfTheTool()
    for (key in names.keySet()) {
        def value = key == 'reportDir' ? folder : args[key]
        if (value != null) {
            set << 'JENKINS_SCAN_' + names[key] + '=' + listOf(value).join(',')
        }
    }
    return set
}

@NonCPS
List listOf(value) {
    return value == null ? [] : value instanceof Collection ? value as List : [value]
}

/** The little of result.json that is kept, in types that Jenkins can store: the slurper's own maps are not. */
@NonCPS
Map parsed(String text) {
    Map result = new JsonSlurper().parseText(text) as Map
    List images = []
    List ids = []
    for (image in result.images) {
        images << [reference: textOf(image.reference), verdict: textOf(image.verdict), taskId: textOf(image.task?.id)]
    }
    for (task in result.tasks) {
        ids << textOf(task.id)
    }
    Integer code = result.exit_code instanceof Integer ? result.exit_code : null
    return [exitCode: code, verdict: textOf(result.verdict), reason: textOf(result.reason), images: images, taskIds: ids]
}

@NonCPS
String textOf(value) {
    return value == null ? null : value.toString()
}

/** The verdict and the exit code of a line such as `FAIL: app:1, task 1 has ended, policy (exit 10)`. */
@NonCPS
Map toldBy(String summary) {
    def exit = summary =~ /\(exit (\d+)\)(?: \[SANDBOX\])?$/
    String verdict = summary.tokenize(':')[0]
    Integer code = exit.find() ? exit.group(1) as Integer : ['PASS', 'SUBMITTED'].contains(verdict) ? 0 : null
    return [exitCode: code, verdict: verdict, reason: null]
}

/** An id for Warnings Next Generation: ASCII. Names that it cannot spell, or that only differ in signs, differ by a number. */
@NonCPS
String identifier(String name) {
    String spelled = name.toLowerCase(Locale.ROOT).replaceAll(/[^a-z0-9]+/, '-').replaceAll(/^-|-$/, '')
    if (name ==~ /[A-Za-z0-9]+( [A-Za-z0-9]+)*/) {
        return spelled
    }
    return (spelled.isEmpty() ? 'image-scan' : spelled) + '-' + String.format('%08x', name.hashCode())
}
