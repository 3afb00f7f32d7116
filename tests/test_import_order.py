"""The import order is the story: each app imports only what stands to its left."""

import ast
from pathlib import Path

import pytest
from django.apps import apps
from django.db.migrations.loader import MigrationLoader

ROOT = Path(__file__).resolve().parent.parent
ORDER = [
    *("audit", "jobs", "accounts", "integrations", "workflows", "scorecards", "cases"),
    *("quality", "reports", "improvements", "agents", "hitlsite"),
]
PURE = "stats"  # any app may import it, it imports none
OURS = [*ORDER, PURE, "tests", "bench", "manage"]
MODULES = sorted(path for app in [*ORDER, PURE] for path in ROOT.glob(f"{app}/**/*.py"))


def imported(node):
    """The top-level packages that an import statement names."""
    if isinstance(node, ast.ImportFrom):
        return [node.module.partition(".")[0]] if node.module and not node.level else []
    return [name.name.partition(".")[0] for name in node.names]


def imports(tree):
    return [
        (node.lineno, name)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in imported(node)
    ]


def may_import(app):
    return {PURE} if app == PURE else {PURE, *ORDER[: ORDER.index(app) + 1]}


@pytest.mark.parametrize("app", [*ORDER, PURE])
def test_an_app_imports_only_what_stands_to_its_left(app):
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in MODULES
        if path.relative_to(ROOT).parts[0] == app
        for line, name in imports(ast.parse(path.read_text()))
        if name in OURS and name not in may_import(app)
    ]

    assert wrong == []


def test_no_import_of_ours_hides_in_a_function():
    hidden = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in MODULES
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for line, name in imports(function)
        if name in OURS and path.name != "apps.py"  # an AppConfig may import only once it is ready
    ]

    assert hidden == []


def test_every_package_of_ours_has_its_place_in_the_order():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert packages <= set(OURS)


def test_migrations_depend_only_on_what_stands_to_their_left():
    migrations = MigrationLoader(None).disk_migrations

    wrong = [
        f"{app}.{name} depends on {other}"
        for (app, name), migration in migrations.items()
        for other in {left for left, _ in migration.dependencies} | {model.partition(".")[0] for model in referred(migration)}
        if app in ORDER and other in ORDER and ORDER.index(other) > ORDER.index(app)
    ]
    assert wrong == []


def referred(migration):
    """The models that foreign keys of a migration name, as strings: an import test does not see them."""
    for operation in migration.operations:
        fields = [field for _, field in getattr(operation, "fields", ())] + [getattr(operation, "field", None)]
        for field in fields:
            if (to := getattr(getattr(field, "remote_field", None), "model", None)) is not None:
                yield (to if isinstance(to, str) else to._meta.label).lower()


def test_no_model_points_to_the_right():
    wrong = [
        f"{model._meta.label}.{field.name} points to {field.related_model._meta.label}"
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.is_relation and field.concrete and model._meta.app_label in ORDER
        if field.related_model._meta.app_label in ORDER[ORDER.index(model._meta.app_label) + 1 :]
    ]
    assert wrong == []
