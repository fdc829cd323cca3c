/** The steps that this Jenkins knows, and what each takes. */
class Known {
    /** The parameters of each step; the first may be given without its name. */
    static final Map<String, List<String>> PARAMETERS = [
        archiveArtifacts: ['artifacts', 'allowEmptyArchive', 'caseSensitive', 'defaultExcludes', 'excludes', 'fingerprint',
                           'followSymlinks', 'onlyIfSuccessful'],
        catchError: ['buildResult', 'stageResult', 'message', 'catchInterruptions'],
        checkout: ['scm', 'changelog', 'poll'],
        container: ['name', 'shell'],
        deleteDir: [],
        dir: ['path'],
        discoverGitReferenceBuild: ['targetBranch', 'referenceJob', 'latestBuildIfNotFound', 'maxCommits'],
        echo: ['message'],
        error: ['message'],
        fileExists: ['file'],
        isUnix: [],
        junit: ['testResults', 'allowEmptyResults', 'checksName', 'keepLongStdio', 'skipMarkingBuildUnstable',
                'skipOldReports', 'skipPublishingChecks'],
        lock: ['resource', 'label', 'quantity', 'variable', 'inversePrecedence', 'skipIfLocked', 'extra', 'priority'],
        node: ['label'],
        parallel: null,
        podTemplate: ['yaml', 'containers', 'label', 'cloud', 'namespace', 'inheritFrom', 'volumes', 'serviceAccount'],
        publishHTML: ['target'],
        pwd: ['tmp'],
        readFile: ['file', 'encoding'],
        recordIssues: ['tool', 'tools', 'aggregatingResults', 'enabledForFailure', 'failOnError', 'ignoreQualityGate', 'id',
                       'name', 'qualityGates', 'skipPublishingChecks', 'sourceCodeEncoding', 'trendChartType'],
        retry: ['count', 'conditions'],
        script: [],
        sh: ['script', 'encoding', 'label', 'returnStatus', 'returnStdout'],
        stage: ['name', 'concurrency'],
        stash: ['name', 'allowEmpty', 'excludes', 'includes', 'useDefaultExcludes'],
        timeout: ['time', 'unit', 'activity'],
        unstable: ['message'],
        unstash: ['name'],
        warnError: ['message', 'catchInterruptions'],
        withCredentials: ['bindings'],
        withEnv: ['overrides'],
        writeFile: ['file', 'text', 'encoding'],
    ]
    /** What stands in the arguments of steps. */
    static final Map<String, List<String>> SYMBOLS = [
        containerTemplate: ['name', 'image', 'command', 'args', 'ttyEnabled'],
        file: ['credentialsId', 'variable'],
        issues: ['pattern', 'id', 'name', 'icon', 'reportEncoding', 'skipSymbolicLinks'],
        sarif: ['pattern', 'id', 'name', 'icon', 'reportEncoding', 'skipSymbolicLinks'],
        string: ['credentialsId', 'variable'],
        usernamePassword: ['credentialsId', 'usernameVariable', 'passwordVariable'],
    ]
    static final List<String> HTML = ['reportDir', 'reportFiles', 'reportName', 'reportTitles', 'allowMissing',
                                      'alwaysLinkToLastBuild', 'keepAll', 'includes']
    static final Set<String> ON_A_NODE = ['archiveArtifacts', 'checkout', 'container', 'deleteDir', 'dir', 'fileExists', 'junit',
                                          'publishHTML', 'pwd', 'readFile', 'recordIssues', 'sh', 'stash', 'unstash',
                                          'writeFile'] as Set
}
