"""Who is who in a module: every name with the scope that it is looked up in, without running a line of it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Opener = Function | ast.ClassDef | Comprehension | ast.Module


@dataclass(frozen=True, slots=True)
class Imported:
    """A name that stands for the module, or for the thing in a module, of this dotted path."""

    path: str


@dataclass(frozen=True, slots=True)
class Opaque:
    """A name whose value only running the code could tell: a parameter, a loop's variable, a changed one."""


Binding = Imported | Opaque | ast.expr | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(slots=True, eq=False)
class Scope:
    node: Opener
    parent: Scope | None
    names: dict[str, list[Binding]] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)

    def bind(self, name: str, binding: Binding) -> None:
        home = self.root if name in self.elsewhere else self
        home.names.setdefault(name, []).append(binding)

    @property
    def root(self) -> Scope:
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    @property
    def function(self) -> Function | None:
        """The function around, comprehensions and classes looked through."""
        return next((scope.node for scope in self.chain() if isinstance(scope.node, Function)), None)

    def chain(self) -> Iterator[Scope]:
        """This scope and those around it, the innermost first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def lookup(self, name: str) -> tuple[Binding, Scope] | None:
        """What the name is bound to, and where; Opaque where it is bound more than once, None where it never is."""
        for scope in self.chain():
            hidden = scope is not self and isinstance(scope.node, ast.ClassDef)
            if name in scope.names and not hidden:
                found = scope.names[name]
                return (found[0] if len(found) == 1 else Opaque()), scope
        return None


def parameters(node: Function) -> list[ast.arg]:
    given = node.args
    rest = [extra for extra in (given.vararg, given.kwarg) if extra is not None]
    return [*given.posonlyargs, *given.args, *given.kwonlyargs, *rest]


class Scopes:
    """The scope of every node of a tree; walks without recursion, for a file may be nested as deep as it likes."""

    def __init__(self, tree: ast.Module) -> None:
        self.module = Scope(tree, None)
        self._of: dict[ast.AST, Scope] = {}
        pending: list[tuple[ast.AST, Scope]] = [(tree, self.module)]
        while pending:
            node, scope = pending.pop()
            self._of[node] = scope
            _bind(node, scope)
            inner = Scope(node, scope) if isinstance(node, Opener) and node is not tree else scope
            _open(inner)
            pending.extend((child, inner) for child in reversed(list(_inside(node))))
            pending.extend((child, scope) for child in _outside(node))

    def of(self, node: ast.AST) -> Scope:
        return self._of[node]

    def adopt(self, node: ast.AST, like: ast.AST) -> None:
        """Look a node that was made here up where `like` is."""
        self._of[node] = self._of[like]

    def nodes(self) -> Iterator[ast.expr | ast.stmt]:
        """Every expression and statement, in the order of the text."""
        placed = (node for node in self._of if isinstance(node, ast.expr | ast.stmt))
        return iter(sorted(placed, key=lambda node: (node.lineno, node.col_offset)))


def _outside(node: ast.AST) -> Iterable[ast.AST]:
    """What of a definition is evaluated where it stands: decorators, defaults, annotations, bases."""
    if isinstance(node, ast.Lambda):
        return [*node.args.defaults, *filter(None, node.args.kw_defaults)]
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        notes = [argument.annotation for argument in parameters(node) if argument.annotation is not None]
        defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        return [*node.decorator_list, *defaults, *notes, *filter(None, [node.returns])]
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list, *node.bases, *node.keywords]
    return []


def _inside(node: ast.AST) -> Iterable[ast.AST]:
    if isinstance(node, ast.Lambda):
        return [node.body]
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.body
    return (child for child in ast.iter_child_nodes(node) if not _never_runs(child))


def _never_runs(node: ast.AST) -> bool:
    """What stands under `if TYPE_CHECKING:` or `if __name__ == "__main__":` runs in no job."""
    if not isinstance(node, ast.If) or node.orelse:
        return False
    match node.test:
        case ast.Attribute(attr="TYPE_CHECKING") | ast.Name(id="TYPE_CHECKING"):
            return True
        case ast.Compare(ast.Name(id="__name__"), [ast.Eq()], [ast.Constant(value="__main__")]):
            return True
    return False


def _open(scope: Scope) -> None:
    node = scope.node
    if isinstance(node, Function):
        for argument in parameters(node):
            scope.bind(argument.arg, Opaque())
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        scope.elsewhere.update(name for item in node.body if isinstance(item, ast.Global) for name in item.names)


def _bind(node: ast.AST, scope: Scope) -> None:
    """Note what a node binds in its scope."""
    for name, binding in _definitions(node):
        scope.bind(name, binding)
    for target in _changing(node):
        for name in _names(target):
            scope.bind(name, Opaque())


def _definitions(node: ast.AST) -> Iterator[tuple[str, Binding]]:
    match node:
        case ast.Import(names=names):
            yield from ((name.asname or name.name.partition(".")[0], _module(name)) for name in names)
        case ast.ImportFrom(module=module, names=names, level=level):
            start = f"{'.' * level}{module or ''}"
            yield from ((name.asname or name.name, Imported(f"{start}.{name.name}")) for name in names)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name, node
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            yield name, value
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            yield name, value
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name, Opaque()


def _changing(node: ast.AST) -> Sequence[ast.expr]:
    """The targets of what gives names a value that is not written there."""
    if isinstance(node, ast.Assign):
        return [] if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name) else node.targets
    if isinstance(node, ast.NamedExpr | ast.For | ast.AsyncFor | ast.AugAssign | ast.comprehension):
        return [node.target]
    return [node.optional_vars] if isinstance(node, ast.withitem) and node.optional_vars else []


def _module(name: ast.alias) -> Imported:
    """`import a.b` binds `a`; `import a.b as c` binds `a.b`."""
    return Imported(name.name if name.asname else name.name.partition(".")[0])


def _names(target: ast.expr) -> Iterator[str]:
    """What a target binds: `a, (b, *c)` binds three names, `a[0]` and `a.b` none."""
    pending = [target]
    while pending:
        taken = pending.pop()
        if isinstance(taken, ast.Name):
            yield taken.id
        elif isinstance(taken, ast.Tuple | ast.List):
            pending.extend(taken.elts)
        elif isinstance(taken, ast.Starred):
            pending.append(taken.value)
