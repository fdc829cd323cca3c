/** A Jenkinsfile or a global variable of a library: what it does not know itself is a step or an environment variable. */
abstract class PipelineScript extends Script {
    private Build its

    /** A script's properties are variables of its binding, so this is none. */
    void belongsTo(Build build) {
        this.@its = build
    }

    @Override
    Object invokeMethod(String name, Object arguments) {
        Object[] list = arguments instanceof Object[] ? arguments : [arguments] as Object[]
        MetaMethod own = metaClass.getMetaMethod(name, list)
        if (own != null && own.declaringClass.theClass == getClass()) {
            return own.doMethodInvoke(this, list)
        }
        this.@its.call(name, list)
    }

    @Override
    Object getProperty(String name) {
        switch (name) {
            case 'metaClass': case 'binding': return super.getProperty(name)
            case 'env': return new Env(this.@its)
            case 'params': return this.@its.parameters
            case 'currentBuild': return this.@its.currentBuild
            case 'scm': return 'scm'
        }
        if (binding.hasVariable(name)) {
            return binding.getVariable(name)
        }
        Map variables = this.@its.where.variables
        if (!variables.containsKey(name)) {
            throw new MissingPropertyException("No such property: ${name} for class: ${getClass().name}")
        }
        variables[name]
    }
}
