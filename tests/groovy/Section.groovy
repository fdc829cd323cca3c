/** What stands in a block, by name; a name that does not belong there is refused, as Jenkins does. */
class Section {
    final Map<String, List<List>> all = [:]
    private final List<String> known

    private Section(List<String> known) {
        this.known = known
    }

    static Section read(Closure body, List<String> known) {
        Section section = new Section(known)
        Closure own = body.clone() as Closure
        own.delegate = section
        own.resolveStrategy = Closure.DELEGATE_ONLY
        own.call()
        section
    }

    boolean has(String name) {
        all.containsKey(name)
    }

    List<List> uses(String name) {
        all[name] ?: []
    }

    Closure block(String name) {
        has(name) ? all[name][0][0] as Closure : null
    }

    void need(String... names) {
        names.each { String name ->
            if (!has(name)) {
                throw new StepFailed("Missing required section \"${name}\"")
            }
        }
    }

    Object methodMissing(String name, Object given) {
        if (!(name in known)) {
            throw new StepFailed("Unknown section \"${name}\", expected one of ${known}")
        }
        all.get(name, []) << (given as List)
    }

    Object propertyMissing(String name) {
        if (!(name in ['any', 'none'])) {
            throw new MissingPropertyException("No such property: ${name}")
        }
        name
    }
}
