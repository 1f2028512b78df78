"""How Alembic reaches the database: by the connection that the caller opened."""

from alembic import context

from postbell.store.tables.core import account


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=account.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
