import java.nio.file.Files
import java.nio.file.Path

/** Files by Ant's patterns, as archiveArtifacts, junit and stash take them. */
class AntPatterns {
    /** The files in the folder that Ant's patterns match, a comma between two of them. */
    static List<Path> matching(Path folder, Object patterns) {
        List<String> expressions = (patterns as String).split(',').collect { String pattern ->
            String plain = pattern.trim().replaceAll('/$', '/**')
            plain.replaceAll(/[.+^$(){}|\[\]]/) { "\\${it}" }
                .replace('**/', '\u0001').replace('**', '\u0002').replace('*', '[^/]*').replace('?', '[^/]')
                .replace('\u0001', '(.*/)?').replace('\u0002', '.*')
        }
        List<Path> found = []
        folder.eachFileRecurse { Path file ->
            String name = folder.relativize(file)
            if (Files.isRegularFile(file) && expressions.any { name ==~ it }) {
                found << file
            }
        }
        found.sort()
    }
}
