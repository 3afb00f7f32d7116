"""The hook at BEGIN: in-house work takes the house's role, a vendor's work names the vendor and the person, nobody gets neither."""

from django.db import transaction
from django.db.backends.postgresql import base, operations

from audit import acting, clock
from hitlsite import postgres
from hitlsite.scoped.rows import made_of, named


class PlannedOnce(base.ServerBindingCursor):
    """Its statements are prepared: the server plans each once for a connection, not whenever it is asked."""

    def execute(self, query, params=None):
        return super().execute(query, params, prepare=True)


class DatabaseOperations(operations.DatabaseOperations):
    def last_executed_query(self, cursor, sql, params):
        """Also of a prepared statement, of which psycopg keeps no words: for the debug log, and tests that count and explain."""
        return super().last_executed_query(cursor, sql, params) or self.compose_sql(sql, params)


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(self._in_a_transaction)

    def get_new_connection(self, conn_params):
        if self.settings_dict.get("EMBEDDED"):
            postgres.join()
        return super().get_new_connection(conn_params)

    def planned_once(self):
        """A cursor for the statements that every decision and every page asks, always in the same words (docs/decisions/0035)."""
        self.ensure_connection()
        connection = self.connection  # asking for a cursor may find it broken, and then it is another's turn, or nobody's
        factory, connection.cursor_factory = connection.cursor_factory, PlannedOnce
        try:
            return self.cursor()
        finally:
            connection.cursor_factory = factory

    def rows_of(self, model, statement, params) -> list:
        """As models the rows of a statement that is planned once. “c.*” are the columns of `model`; see `rows.made_of` for further ones."""
        with self.planned_once() as cursor:
            cursor.execute(named(model, statement), params)
            make = made_of(model, tuple(column[0] for column in cursor.description))
            return [make(row) for row in cursor.fetchall()]

    def _set_autocommit(self, autocommit):
        super()._set_autocommit(autocommit)
        if not autocommit:
            with self.wrap_database_errors:
                for statement, parameters in self._introduction():
                    self.connection.execute(statement, parameters)

    def _in_a_transaction(self, execute, *statement):
        """A statement outside a transaction gets one of its own: else it would act for nobody, and see nothing without a word."""
        if self.in_atomic_block or not self.autocommit or not any(self._introduction()):
            return execute(*statement)
        with transaction.atomic(self.alias):
            return execute(*statement)

    def _introduction(self):
        """The statements, local to this transaction, that say who acts and at what (moved) time."""
        who = acting.current()
        if who.in_house and (role := self.settings_dict.get("HOUSE_ROLE")):
            yield f'SET LOCAL ROLE "{role}"', None
        if who.vendor_id is not None:
            named = [str(who.vendor_id), "" if who.person_id is None else str(who.person_id)]
            yield "SELECT set_config('hitl.vendor', %s, true), set_config('hitl.person', %s, true)", named
        if clock.is_moved():
            yield "SELECT set_config('hitl.clock', %s, true)", [clock.now().isoformat()]
