/** The global variable `currentBuild`. */
class CurrentBuild {
    private final Build build

    CurrentBuild(Build build) {
        this.build = build
    }

    String getResult() {
        build.result
    }

    /** As in Jenkins a result can only get worse. */
    void setResult(String result) {
        build.worsen(result)
    }

    String getCurrentResult() {
        build.result ?: 'SUCCESS'
    }

    String getDescription() {
        build.description
    }

    void setDescription(String text) {
        build.description = text
    }

    int getNumber() {
        build.where.variables.BUILD_NUMBER as int
    }
}
