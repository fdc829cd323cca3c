/** What `sh` runs: `sh -xe` on a file with the script, as in Jenkins, or the interpreter that its first line names. */
class Shell {
    /** Runs the script; at the line that holds `abortedAt` it gets SIGTERM, as in a build that is stopped. */
    static Map run(String script, Where where, StringBuffer console, boolean apart, String abortedAt) {
        File file = File.createTempFile('script', '.sh')
        try {
            file.setText(script, 'UTF-8')
            List<String> command = script.startsWith('#!') ? [file.path] : ['sh', '-xe', file.path]
            file.executable = true
            ProcessBuilder builder = new ProcessBuilder(command)
            builder.directory(where.folder.toFile()).redirectInput(new File('/dev/null')).redirectErrorStream(!apart)
            builder.environment().clear()
            builder.environment().putAll(where.variables)
            Process process = builder.start()
            StringBuffer err = new StringBuffer()
            Thread reader = apart ? process.consumeProcessErrorStream(err) : null
            StringBuilder out = new StringBuilder()
            process.inputStream.eachLine('UTF-8') { String line ->
                out << line << '\n'
                if (abortedAt != null && line.contains(abortedAt)) {
                    ['kill', '-TERM', process.pid() as String].execute().waitFor()  // destroy() would close the stream, too
                }
            }
            int code = process.waitFor()
            reader?.join()
            console << err << (apart ? '' : out)
            return [code: code, out: out.toString()]
        } finally {
            file.delete()
        }
    }
}
