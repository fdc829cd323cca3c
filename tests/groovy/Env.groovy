/** The global variable `env`. */
class Env {
    private final Build build

    Env(Build build) {
        this.build = build
    }

    Object getProperty(String name) {
        build.where.variables[name]
    }

    void setProperty(String name, Object value) {
        throw new UnsupportedOperationException("env.${name} = …: use withEnv, which ends with its block")
    }
}
