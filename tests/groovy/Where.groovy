import java.nio.file.Path

/** Where a branch of the build stands: its variables, its folder and its stage. A block gets a changed copy. */
class Where {
    final Map<String, String> variables
    final Path folder
    final Map stage
    final boolean node

    Where(Map<String, String> variables, Path folder, Map stage = null, boolean node = false) {
        this.variables = Collections.unmodifiableMap(new LinkedHashMap<String, String>(variables))
        this.folder = folder
        this.stage = stage
        this.node = node
    }

    Where with(Map<String, String> more) {
        new Where(variables + more, folder, stage, node)
    }

    Where inside(Path folder) {
        new Where(variables, folder, stage, node)
    }

    Where onNode(Path folder) {
        new Where(variables + [WORKSPACE: folder.toString(), NODE_NAME: 'agent-1'], folder, stage, true)
    }

    Where inStage(Map stage) {
        new Where(variables + [STAGE_NAME: stage.name as String], folder, stage, node)
    }
}
