/** `@Library('name@version') _`: the global variables of a shared library are there. */
@interface Library {
    String[] value()
}
