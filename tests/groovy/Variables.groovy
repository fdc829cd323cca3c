/** `environment { NAME = 'value' }`. */
class Variables {
    final Map<String, String> set = [:]
    private final Build build

    Variables(Build build) {
        this.build = build
    }

    Object getProperty(String name) {
        switch (name) {
            case 'set': return this.@set
            case 'env': return new Env(this.@build)
            case 'params': return this.@build.parameters
            default:
                Map<String, String> known = this.@build.where.variables + this.@set
                if (!known.containsKey(name)) {
                    throw new MissingPropertyException("No such property: ${name}")
                }
                return known[name]
        }
    }

    void setProperty(String name, Object value) {
        this.@set[name] = value as String
    }

    /** An AccessKey pair gives NAME_USR and NAME_PSW too; that is all that is needed of it here. */
    Object credentials(String id) {
        this.@build.steps.bind(['$symbol': 'string', credentialsId: id, variable: 'V']).V
    }
}
