import org.codehaus.groovy.ast.ClassNode
import org.codehaus.groovy.ast.expr.ArgumentListExpression
import org.codehaus.groovy.ast.expr.ClosureExpression
import org.codehaus.groovy.ast.expr.MethodCallExpression
import org.codehaus.groovy.ast.stmt.ExpressionStatement
import org.codehaus.groovy.ast.stmt.Statement
import org.codehaus.groovy.classgen.GeneratorContext
import org.codehaus.groovy.control.CompilePhase
import org.codehaus.groovy.control.SourceUnit
import org.codehaus.groovy.control.customizers.CompilationCustomizer

/** Declarative Pipeline takes steps alone in `steps` and `post`: other Groovy needs `script`. Jenkins refuses the rest, too. */
class OnlySteps extends CompilationCustomizer {
    static final Set<String> HOLD_STEPS = ['steps', 'always', 'changed', 'fixed', 'regression', 'aborted', 'failure', 'success',
                                           'unstable', 'unsuccessful', 'cleanup'] as Set

    OnlySteps() {
        super(CompilePhase.CONVERSION)
    }

    @Override
    void call(SourceUnit source, GeneratorContext context, ClassNode node) {
        source.AST.statementBlock.statements.each { Statement statement ->
            MethodCallExpression call = callIn(statement)
            if (call?.methodAsString == 'pipeline') {
                blockOf(call).each { check(it, false) }
            }
        }
    }

    private void check(Statement statement, boolean step) {
        MethodCallExpression call = callIn(statement)
        if (call == null || !call.implicitThis) {
            if (step) {
                throw new StepFailed("line ${statement.lineNumber}: Expected a step")
            }
            return
        }
        if (call.methodAsString in ['script', 'environment', 'when', 'expression']) {
            return
        }
        blockOf(call).each { check(it, step || call.methodAsString in HOLD_STEPS) }
    }

    private static MethodCallExpression callIn(Statement statement) {
        def expression = statement instanceof ExpressionStatement ? statement.expression : null
        expression instanceof MethodCallExpression ? expression : null
    }

    private static List<Statement> blockOf(MethodCallExpression call) {
        def arguments = call.arguments instanceof ArgumentListExpression ? call.arguments.expressions : []
        def last = arguments ? arguments.last() : null
        last instanceof ClosureExpression ? last.code.statements : []
    }
}
