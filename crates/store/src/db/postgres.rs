//! PostgreSQL 15 and later, by address. One database may hold several organisations, each with its number; every
//! statement names it. Statements are prepared once for each connection; rows travel as arrays, one message for each
//! table; what need not wait for an answer does not.
//!
//! Readers take a connection from a pool and see one state (REPEATABLE READ, READ ONLY). One connection writes; a
//! lock of the organisation keeps writers of other processes apart. A lost connection is an error of the request
//! that met it, and the next request makes a new one.

use super::dialect::LONGEST_WORD;
use super::table::Kind;
use super::{Dialect, Lookup, OnConflict, Rows, Session, Step, Table, Value, Writer};
use crate::error::{StoreError, StoreResult};
use bytes::{Bytes, BytesMut};
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use futures::FutureExt;
use futures::future::{join, join_all};
use std::collections::HashSet;
use std::error::Error as StdError;
use std::time::Duration;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Config, NoTls, Row};

/// Tells our advisory locks from those of others in the same database.
const LOCK: i32 = 0x436f_6e74;
/// Connections for readers when the address does not say (`pool=16`).
const POOL: usize = 8;
/// Seconds a reading statement may take when the address does not say (`statement_timeout=60`).
const STATEMENT_TIMEOUT: u64 = 30;
/// Prepared statements kept for each connection.
const STATEMENTS: usize = 400;
/// How long a reader waits for a connection, and a new connection for the server.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections tried by a reader that finds one after the other closed.
const TRIES: usize = 3;
/// Statements sent without waiting; few enough that they are sent in order.
const PIPELINED: usize = 16;
/// The oldest server whose SQL we use.
const OLDEST: i32 = 150_000;

const MIGRATIONS: [&str; 6] = [
    include_str!("../migrations/0001_resources.postgres.sql"),
    include_str!("../migrations/0002_items.postgres.sql"),
    include_str!("../migrations/0003_audit.postgres.sql"),
    include_str!("../migrations/0004_messages.postgres.sql"),
    include_str!("../migrations/0005_outgoing.postgres.sql"),
    include_str!("../migrations/0006_message_search.postgres.sql"),
];

/// Rows written before the planner is told for the first time what the tables hold; then each time they doubled.
/// PostgreSQL looks by itself about once a minute, which is late for a store that is being filled.
const FIRST_ANALYSIS: usize = 2_000;
/// From here on PostgreSQL's own looks are enough.
const LAST_ANALYSIS: usize = 4_000_000;

/// Tables with rows that come and go.
const TABLES: [&str; 21] = [
    "resource",
    "history",
    "change",
    "audit",
    "audit_agent",
    "audit_patient",
    "audit_span",
    "tally",
    "setting",
    "slot",
    "system",
    "term",
    "unit",
    "token",
    "string",
    "reference",
    "date",
    "quantity",
    "words",
    "item",
    "message",
];

/// Values of a reader differ so much in how many rows they find that a plan made for all of them serves none.
fn reader_settings(timeout: u64) -> String {
    format!(
        "SET plan_cache_mode = force_custom_plan; SET jit = off; SET statement_timeout = {}; \
         SET idle_in_transaction_session_timeout = '120s'",
        timeout * 1000
    )
}

/// The writer reaches rows by their keys alone, whatever the statistics say of a table that was empty just now.
const WRITER_SETTINGS: &str = "SET jit = off; SET enable_seqscan = off; SET enable_hashjoin = off; \
     SET enable_mergejoin = off; SET lock_timeout = '30s'; SET statement_timeout = 0; \
     SET idle_in_transaction_session_timeout = '120s'; \
     SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

pub(crate) fn is_address(address: &str) -> bool {
    ["postgres://", "postgresql://"].iter().any(|scheme| address.starts_with(scheme))
}

/// An address with what is ours in it taken out.
struct Address {
    config: Config,
    pool: usize,
    timeout: u64,
}

impl Address {
    fn read(address: &str) -> StoreResult<Address> {
        let (place, query) = address.split_once('?').unwrap_or((address, ""));
        let (mut pool, mut timeout) = (POOL, STATEMENT_TIMEOUT);
        let mut theirs = Vec::new();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let number = |value: &str| {
                let number = value.parse::<u64>().ok().filter(|it| (1..=86_400).contains(it));
                number.ok_or_else(|| {
                    StoreError::Unavailable("the address of PostgreSQL: pool and statement_timeout are numbers".into())
                })
            };
            match part.split_once('=') {
                Some(("pool", value)) => pool = number(value)? as usize,
                Some(("statement_timeout", value)) => timeout = number(value)?,
                _ => theirs.push(part),
            }
        }
        let plain = if theirs.is_empty() { place.to_owned() } else { format!("{place}?{}", theirs.join("&")) };
        // The reason may repeat parts of the address, which may hold a password.
        let config: Result<Config, _> = plain.parse();
        let mut config = config.map_err(|_| {
            StoreError::Unavailable(
                "the address of PostgreSQL cannot be read; write postgres://user@host/database or \
                 postgres:///database?host=/socket/folder&user=user"
                    .into(),
            )
        })?;
        config.application_name("continuo").connect_timeout(PATIENCE).keepalives_idle(Duration::from_secs(30));
        Ok(Address { config, pool, timeout })
    }

    fn pool(&self, size: usize, settings: String) -> StoreResult<Pool> {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(self.config.clone(), NoTls, recycling);
        let configure = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
            let settings = settings.clone();
            Box::pin(async move { client.batch_execute(&settings).await.map_err(HookError::Backend) })
        });
        let pool = Pool::builder(manager).max_size(size).runtime(Runtime::Tokio1).post_create(configure);
        let pool = pool.wait_timeout(Some(PATIENCE)).create_timeout(Some(PATIENCE)).build();
        pool.map_err(|_| StoreError::Unavailable("no pool of connections could be made".to_owned()))
    }
}

#[derive(Clone)]
pub(crate) struct Postgres {
    readers: Pool,
    organisation: i64,
}

impl Postgres {
    /// Connects, brings the tables up to date, and finds or gives the organisation its number.
    pub(crate) async fn open(address: &str, organisation: &str) -> StoreResult<(Postgres, PostgresSession)> {
        let address = Address::read(address)?;
        // One for the lane and one that looks at what the tables hold.
        let writers = address.pool(2, WRITER_SETTINGS.to_owned())?;
        let mut client = writers.get().await.map_err(pool_error)?;
        let organisation = migrate(&mut client, organisation).await?;
        let readers = address.pool(address.pool, reader_settings(address.timeout))?;
        let writer = PostgresSession::new(client, writers, organisation, true);
        Ok((Postgres { readers, organisation }, writer))
    }

    /// A connection that reads one state of the store, until it is dropped.
    pub(crate) async fn reader(&self) -> StoreResult<PostgresSession> {
        let client = self.readers.get().await.map_err(pool_error)?;
        Ok(PostgresSession::new(client, self.readers.clone(), self.organisation, false))
    }

    /// A connection for one statement, without a transaction around it.
    pub(crate) async fn glance(&self) -> StoreResult<PostgresSession> {
        let mut session = self.reader().await?;
        session.alone = true;
        Ok(session)
    }

    /// Bytes on disk of all organisations in the database: PostgreSQL does not count them one by one.
    pub(crate) async fn bytes(&self) -> StoreResult<u64> {
        let client = self.readers.get().await.map_err(pool_error)?;
        let sql = "SELECT CAST(sum(pg_total_relation_size(to_regclass(name))) AS BIGINT) FROM unnest($1::text[]) name";
        let row = client.query_one(sql, &[&&TABLES[..]]).await.map_err(database)?;
        Ok(row.get::<_, Option<i64>>(0).unwrap_or_default() as u64)
    }

    pub(crate) fn close(&self) {
        self.readers.close();
    }
}

/// Runs the migrations that are missing, one process at a time, and returns the number of the organisation.
async fn migrate(client: &mut Object, organisation: &str) -> StoreResult<i64> {
    let setting = async |name: &str| -> StoreResult<String> {
        let row = client.query_one("SELECT current_setting($1)", &[&name]).await.map_err(database)?;
        Ok(row.get(0))
    };
    let version = setting("server_version_num").await?;
    if version.parse::<i32>().is_ok_and(|version| version < OLDEST) {
        return Err(StoreError::Unavailable(format!("PostgreSQL 15 or later is needed, this is {version}")));
    }
    if setting("server_encoding").await? != "UTF8" {
        return Err(StoreError::Unavailable("the database must be in UTF-8: CREATE DATABASE … ENCODING 'UTF8'".into()));
    }
    if setting("fsync").await? == "off" {
        tracing::warn!("fsync is off in this PostgreSQL: what is acknowledged may be lost when the power fails");
    }
    let change = client.transaction().await.map_err(database)?;
    change.batch_execute(&format!("SELECT pg_advisory_xact_lock({LOCK}, 0)")).await.map_err(database)?;
    let there = change.query_one("SELECT to_regclass('continuo_schema') IS NOT NULL", &[]).await.map_err(database)?;
    if !there.get::<_, bool>(0) {
        let create = "CREATE TABLE continuo_schema (version INTEGER PRIMARY KEY)";
        change.batch_execute(create).await.map_err(database)?;
    }
    let done = change.query_one("SELECT coalesce(max(version), 0) FROM continuo_schema", &[]).await;
    let done = done.map_err(database)?.get::<_, i32>(0) as usize;
    if done > MIGRATIONS.len() {
        return Err(StoreError::Unavailable(format!(
            "the store was written by a newer version of Continuo (schema {done}, known here: {})",
            MIGRATIONS.len()
        )));
    }
    for (at, migration) in MIGRATIONS.iter().enumerate().skip(done) {
        change.batch_execute(migration).await.map_err(database)?;
        let note = "INSERT INTO continuo_schema (version) VALUES ($1)";
        change.execute(note, &[&(at as i32 + 1)]).await.map_err(database)?;
    }
    let enrol = "INSERT INTO organisation (org, name) SELECT coalesce(max(org), 0) + 1, $1 FROM organisation \
                 ON CONFLICT (name) DO NOTHING";
    change.execute(enrol, &[&organisation]).await.map_err(database)?;
    let number = change.query_one("SELECT org FROM organisation WHERE name = $1", &[&organisation]).await;
    let number: i32 = number.map_err(database)?.get(0);
    change.commit().await.map_err(database)?;
    Ok(number.into())
}

fn pool_error(error: PoolError) -> StoreError {
    match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => database(error),
        PoolError::Timeout(_) => StoreError::Unavailable("no connection to PostgreSQL became free in time".to_owned()),
        PoolError::Closed => StoreError::Unavailable("it has been closed".to_owned()),
        _ => StoreError::Unavailable("no connection to PostgreSQL could be made".to_owned()),
    }
}

/// Errors of the server, the disk and the connection are told from errors of ours. What PostgreSQL says beside the
/// code may hold values of a row, so only the code is passed on.
pub(crate) fn database(error: tokio_postgres::Error) -> StoreError {
    let Some(code) = error.code() else {
        return StoreError::Unavailable("the connection to PostgreSQL is lost or was refused".to_owned());
    };
    let unavailable = |what: &str| StoreError::Unavailable(format!("{what} (PostgreSQL says {})", code.code()));
    match *code {
        SqlState::QUERY_CANCELED => StoreError::took_too_long(),
        SqlState::DISK_FULL => StoreError::ReadOnly("the disk of PostgreSQL is full".to_owned()),
        SqlState::READ_ONLY_SQL_TRANSACTION => StoreError::ReadOnly("PostgreSQL takes no writes here".to_owned()),
        SqlState::IO_ERROR => StoreError::ReadOnly("the disk of PostgreSQL reports an error".to_owned()),
        SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => StoreError::Damaged("PostgreSQL says so".to_owned()),
        SqlState::LOCK_NOT_AVAILABLE => unavailable("another process has been writing for long; try again"),
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => unavailable("try again"),
        _ => match &code.code()[..2] {
            "08" | "57" => unavailable("PostgreSQL ended the connection"),
            "53" => unavailable("PostgreSQL is short of resources"),
            "28" | "3D" => unavailable("PostgreSQL does not let us in"),
            "42" => StoreError::Database(error.as_db_error().map_or_else(String::new, |it| it.message().to_owned())),
            _ => StoreError::Database(format!("PostgreSQL says {}", code.code())),
        },
    }
}

/// Nothing was answered, and the connection is no more.
fn is_lost(error: &tokio_postgres::Error) -> bool {
    error.code().is_none_or(|code| matches!(&code.code()[..2], "08" | "57") && *code != SqlState::QUERY_CANCELED)
}

/// One connection inside a transaction.
pub(crate) struct PostgresSession {
    /// `None` only while a new connection is sought.
    client: Option<Object>,
    pool: Pool,
    organisation: i64,
    writes: bool,
    /// One statement and no transaction.
    alone: bool,
    /// The transaction has begun. A reader's begins with its first statement.
    begun: bool,
    /// A statement failed, so the transaction can only be undone.
    failed: bool,
    /// Rows written, and at how many of them the tables are looked at next.
    written: usize,
    analysed_at: usize,
}

type Params<'a> = [&'a (dyn ToSql + Sync)];

impl PostgresSession {
    fn new(client: Object, pool: Pool, organisation: i64, writes: bool) -> PostgresSession {
        PostgresSession {
            client: Some(client),
            pool,
            organisation,
            writes,
            alone: false,
            begun: false,
            failed: false,
            written: 0,
            analysed_at: FIRST_ANALYSIS,
        }
    }

    async fn client(&mut self) -> StoreResult<&Object> {
        if self.client.as_ref().is_none_or(|it| it.is_closed()) {
            if self.begun {
                return Err(StoreError::Unavailable("the connection to PostgreSQL was lost".to_owned()));
            }
            self.renew().await?;
        }
        Ok(self.client.as_ref().expect("just made"))
    }

    /// Another connection in the place of one that is lost.
    async fn renew(&mut self) -> StoreResult<()> {
        if let Some(lost) = self.client.take() {
            drop(Object::take(lost));
        }
        self.client = Some(self.pool.get().await.map_err(pool_error)?);
        (self.begun, self.failed) = (false, false);
        Ok(())
    }

    async fn run(&mut self, sql: &str, types: &[Type], params: &Params<'_>) -> StoreResult<Vec<Row>> {
        tracing::trace!(target: "store::sql", sql);
        for _ in 0..TRIES {
            let begins = !self.begun;
            match self.try_run(sql, types, params).await? {
                Ok(rows) => return Ok(rows),
                // Nothing has been read yet, so beginning again changes nothing.
                Err(error) if begins && !self.writes && is_lost(&error) => self.renew().await?,
                Err(error) => {
                    self.failed = true;
                    return Err(database(error));
                }
            }
        }
        Err(StoreError::Unavailable("connections to PostgreSQL are lost as soon as they are made".to_owned()))
    }

    /// The outer error is ours; the inner one the connection's.
    async fn try_run(
        &mut self,
        sql: &str,
        types: &[Type],
        params: &Params<'_>,
    ) -> StoreResult<Result<Vec<Row>, tokio_postgres::Error>> {
        let begins = !self.begun && !self.writes && !self.alone;
        let client = self.client().await?;
        let statement = match prepared(client, sql, types).await {
            Ok(statement) => statement,
            Err(error) => return Ok(Err(error)),
        };
        if !begins {
            return Ok(client.query(&statement, params).await);
        }
        // Both are sent before the first answer comes.
        let begin = client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
        let (begun, rows) = join(begin, client.query(&statement, params)).await;
        self.begun = true;
        Ok(begun.and(rows))
    }
}

async fn prepared(
    client: &Object,
    sql: &str,
    types: &[Type],
) -> Result<tokio_postgres::Statement, tokio_postgres::Error> {
    if client.statement_cache.size() >= STATEMENTS {
        client.statement_cache.clear();
    }
    client.prepare_typed_cached(sql, types).await
}

impl Drop for PostgresSession {
    fn drop(&mut self) {
        if let Some(client) = self.client.take().filter(|_| self.begun || !(self.writes || self.alone)) {
            // Sent when first polled; whoever takes the connection next is served after it. Outside of a
            // transaction it does nothing.
            let _ = client.batch_execute("ROLLBACK").now_or_never();
        }
    }
}

impl Session for PostgresSession {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres { organisation: self.organisation }
    }

    async fn query(&mut self, sql: &str, values: &[Value]) -> StoreResult<Vec<Vec<Value>>> {
        let sql = self.dialect().marked(sql);
        let types: Vec<Type> = values.iter().map(Value::postgres_type).collect();
        let params: Vec<&(dyn ToSql + Sync)> = values.iter().map(|it| it as &(dyn ToSql + Sync)).collect();
        Ok(read(&self.run(&sql, &types, &params).await?))
    }

    async fn lookup(&mut self, lookup: &'static Lookup, keys: &Rows) -> StoreResult<Vec<Vec<Value>>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let columns = Columns::of(lookup.key.iter().map(|it| it.kind), keys);
        let kinds = lookup.key.iter().map(|it| it.kind);
        let returning: Vec<&str> = lookup.returning.iter().map(|it| it.name).collect();
        let matching: Vec<String> =
            lookup.key.iter().enumerate().map(|(at, it)| format!("{} = k{at}", it.name)).collect();
        let sql = format!(
            "SELECT {} FROM {} JOIN {} t ON {}{}",
            returning.join(", "),
            unnest(kinds),
            lookup.table,
            self.dialect().here("t"),
            matching.join(" AND ")
        );
        Ok(read(&self.run(&sql, &[], &columns.params()).await?))
    }

    async fn insert(&mut self, table: &'static Table, rows: &Rows) -> StoreResult<()> {
        self.write(&[Step::Insert(table, rows)]).await
    }

    async fn delete(&mut self, table: &'static Table, rows: &Rows) -> StoreResult<()> {
        self.write(&[Step::Delete(table, rows)]).await
    }

    /// All steps are sent before the first is answered; the server does them in order.
    async fn write(&mut self, steps: &[Step<'_>]) -> StoreResult<()> {
        let dialect = self.dialect();
        let mut work = Vec::with_capacity(steps.len());
        for step in steps {
            let (sql, columns) = match step {
                Step::Insert(table, rows) if !rows.is_empty() => {
                    (insert_sql(table, self.organisation), Columns::of(table.columns.iter().map(|it| it.kind), rows))
                }
                Step::Delete(table, rows) if !rows.is_empty() => {
                    let key = &table.columns[..table.key];
                    (delete_sql(table, dialect), Columns::of(key.iter().map(|it| it.kind), rows))
                }
                _ => continue,
            };
            tracing::trace!(target: "store::sql", sql);
            work.push((sql, columns));
        }
        let client = self.client().await?;
        let mut ready = Vec::with_capacity(work.len());
        for (sql, columns) in &work {
            match prepared(client, sql, &[]).await {
                Ok(statement) => ready.push((statement, columns.params())),
                Err(error) => {
                    self.failed = true;
                    return Err(database(error));
                }
            }
        }
        let written: usize = work.iter().map(|(_, columns)| columns.len()).sum();
        for ready in ready.chunks(PIPELINED) {
            let sent = ready.iter().map(|(statement, params)| client.execute(statement, params));
            let failed = join_all(sent).await.into_iter().find_map(Result::err);
            if let Some(error) = failed {
                self.failed = true;
                return Err(database(error));
            }
        }
        self.written += written;
        Ok(())
    }
}

impl Writer for PostgresSession {
    async fn begin(&mut self) -> StoreResult<Option<i64>> {
        (self.begun, self.failed) = (false, false);
        let org = self.organisation;
        let begin = format!("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({LOCK}, {org})");
        let last = format!("SELECT coalesce(max(seq), 0) FROM audit a WHERE {} seq > 0", self.dialect().here("a"));
        for attempt in 0..2 {
            let client = self.client().await?;
            let done = match prepared(client, &last, &[]).await {
                Ok(last) => {
                    // The second statement looks after the lock is ours.
                    let (begun, last) = join(client.batch_execute(&begin), client.query_one(&last, &[])).await;
                    begun.and(last)
                }
                Err(error) => Err(error),
            };
            self.begun = true;
            match done {
                Ok(row) => return Ok(Some(row.get(0))),
                // The server was restarted since the last commit: nothing was asked of it yet.
                Err(error) if attempt == 0 && is_lost(&error) => self.renew().await?,
                Err(error) => {
                    let _ = self.rollback().await;
                    return Err(database(error));
                }
            }
        }
        Err(StoreError::Unavailable("the connection to PostgreSQL was lost".to_owned()))
    }

    async fn commit(&mut self) -> StoreResult<()> {
        if self.failed {
            // PostgreSQL would undo it and call that a success.
            return Err(StoreError::Database("a statement of the transaction failed".to_owned()));
        }
        let done = self.client().await?.batch_execute("COMMIT").await;
        self.begun = false;
        if self.written >= self.analysed_at && self.analysed_at < LAST_ANALYSIS {
            self.analysed_at = self.written * 2;
            tokio::spawn(analyse(self.pool.clone()));
        }
        done.map_err(|error| match is_lost(&error) {
            true => StoreError::Unavailable(
                "the connection to PostgreSQL was lost while it wrote; whether it did is not known".to_owned(),
            ),
            false => database(error),
        })
    }

    async fn rollback(&mut self) -> StoreResult<()> {
        if !self.begun {
            return Ok(());
        }
        self.begun = false;
        match self.client.as_ref().filter(|it| !it.is_closed()) {
            Some(client) => client.batch_execute("ROLLBACK").await.map_err(database),
            // It was undone with the connection.
            None => Ok(()),
        }
    }

    async fn vacuum(&mut self) -> StoreResult<()> {
        let client = self.client().await?;
        for table in TABLES {
            client.batch_execute(&format!("VACUUM (ANALYZE) {table}")).await.map_err(database)?;
        }
        Ok(())
    }

    async fn settle(&mut self) -> StoreResult<()> {
        Ok(())
    }
}

/// Tells the planner what the tables hold, beside the lane.
async fn analyse(pool: Pool) {
    let Ok(client) = pool.get().await else { return };
    if let Err(error) = client.batch_execute(&format!("ANALYZE {}", TABLES.join(", "))).await {
        tracing::warn!(error = %database(error), "the tables could not be analysed; searches may be slow for a while");
    }
}

fn element(kind: Kind) -> &'static str {
    match kind {
        Kind::Int => "bigint",
        Kind::Real => "double precision",
        Kind::Text | Kind::Words => "text",
        Kind::Blob => "bytea",
    }
}

/// The arrays `$1` … as rows `k` of columns `k0` ….
fn unnest(kinds: impl ExactSizeIterator<Item = Kind>) -> String {
    let names: Vec<String> = (0..kinds.len()).map(|at| format!("k{at}")).collect();
    let arrays: Vec<String> = kinds.enumerate().map(|(at, kind)| format!("${}::{}[]", at + 1, element(kind))).collect();
    format!("unnest({}) AS k({})", arrays.join(", "), names.join(", "))
}

fn insert_sql(table: &Table, organisation: i64) -> String {
    let names: Vec<&str> = table.columns.iter().map(|it| it.name).collect();
    let values = table.columns.iter().enumerate().map(|(at, it)| match it.kind {
        Kind::Words => format!("array_to_tsvector(string_to_array(k{at}, ' '))"),
        _ => format!("k{at}"),
    });
    let values: Vec<String> = values.collect();
    let conflict = match table.on_conflict {
        OnConflict::Ignore => " ON CONFLICT DO NOTHING".to_owned(),
        OnConflict::Replace => table.upsert("org, shard, "),
        OnConflict::Fail => String::new(),
    };
    format!(
        "INSERT INTO {} (org, shard, {}) SELECT {organisation}, 0, {} FROM {}{conflict}",
        table.name,
        names.join(", "),
        values.join(", "),
        unnest(table.columns.iter().map(|it| it.kind)),
    )
}

fn delete_sql(table: &Table, dialect: Dialect) -> String {
    let key = &table.columns[..table.key];
    let matching: Vec<String> = key.iter().enumerate().map(|(at, it)| format!("t.{} = k{at}", it.name)).collect();
    let keys = unnest(key.iter().map(|it| it.kind));
    format!("DELETE FROM {} t USING {keys} WHERE {}{}", table.name, dialect.here("t"), matching.join(" AND "))
}

/// Rows turned on their side: one array for each column.
struct Columns<'a>(Vec<Array<'a>>);

enum Array<'a> {
    Plain(Vec<&'a Value>),
    Words(Vec<String>),
}

impl<'a> Columns<'a> {
    fn of(kinds: impl Iterator<Item = Kind>, rows: &'a Rows) -> Columns<'a> {
        let column = |(at, kind): (usize, Kind)| match kind {
            Kind::Words => Array::Words(rows.iter().map(|row| lexemes(row[at].text().unwrap_or_default())).collect()),
            _ => Array::Plain(rows.iter().map(|row| &row[at]).collect()),
        };
        Columns(kinds.enumerate().map(column).collect())
    }

    fn len(&self) -> usize {
        self.0.first().map_or(0, |column| match column {
            Array::Plain(values) => values.len(),
            Array::Words(texts) => texts.len(),
        })
    }

    fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.0.iter().map(Array::param).collect()
    }
}

impl Array<'_> {
    fn param(&self) -> &(dyn ToSql + Sync) {
        match self {
            Array::Plain(values) => values,
            Array::Words(texts) => texts,
        }
    }
}

/// A document of more lexemes than this (bytes) is more than PostgreSQL indexes; the rest is not found by full text.
const MOST_LEXEMES: usize = 900_000;

/// The different words of a text.
fn lexemes(text: &str) -> String {
    let mut seen = HashSet::new();
    let mut out = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let word = &word[..word.floor_char_boundary(LONGEST_WORD)];
        if out.len() + word.len() < MOST_LEXEMES && seen.insert(word) {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
    }
    out
}

impl Value {
    fn postgres_type(&self) -> Type {
        match self {
            Value::Int(_) => Type::INT8,
            Value::Real(_) => Type::FLOAT8,
            Value::Text(_) | Value::Null => Type::TEXT,
            Value::Blob(_) => Type::BYTEA,
        }
    }
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(it) => it.to_sql(kind, out),
            Value::Real(it) => it.to_sql(kind, out),
            // PostgreSQL keeps no NUL in texts; what is stored and what is asked lose it alike.
            Value::Text(it) if it.contains('\0') => it.replace('\0', "\u{fffd}").to_sql(kind, out),
            Value::Text(it) => it.to_sql(kind, out),
            Value::Blob(it) => it.as_ref().to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::FLOAT8 | Type::TEXT | Type::BYTEA)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Value, Box<dyn StdError + Sync + Send>> {
        Ok(match *kind {
            Type::INT8 => Value::Int(i64::from_sql(kind, raw)?),
            Type::INT4 => Value::Int(i32::from_sql(kind, raw)?.into()),
            Type::FLOAT8 => Value::Real(f64::from_sql(kind, raw)?),
            Type::BYTEA => Value::Blob(Bytes::copy_from_slice(raw)),
            _ => Value::Text(<&str>::from_sql(kind, raw)?.to_owned()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Value, Box<dyn StdError + Sync + Send>> {
        Ok(Value::Null)
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::INT4 | Type::FLOAT8 | Type::TEXT | Type::BYTEA)
    }
}

fn read(rows: &[Row]) -> Vec<Vec<Value>> {
    rows.iter().map(|row| (0..row.len()).map(|at| row.get(at)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_say_how_many_connections_and_how_long_statements_take() {
        let address = Address::read("postgres:///record?host=/run/postgresql&pool=3&statement_timeout=7").unwrap();
        assert_eq!((address.pool, address.timeout), (3, 7));
        assert_eq!(address.config.get_dbname(), Some("record"));
        assert_eq!(address.config.get_hosts().len(), 1);
        let address = Address::read("postgresql://anna:secret@db.example:5433/record").unwrap();
        assert_eq!((address.pool, address.timeout), (POOL, STATEMENT_TIMEOUT));
        for wrong in ["postgres://anna:secret@db:x/record", "postgres:///r?pool=many", "postgres:///r?pool=0"] {
            let error = Address::read(wrong).err().expect(wrong).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(is_address("postgres:///record") && !is_address("postgres.db"));
    }

    #[test]
    fn words_are_kept_once_and_cut_where_they_are_too_long() {
        assert_eq!(lexemes("blood sugar blood"), "blood sugar");
        assert_eq!(lexemes(""), "");
        assert_eq!(lexemes(&"é".repeat(300)).len(), LONGEST_WORD);
        let many: Vec<String> = (0..400_000).map(|it| it.to_string()).collect();
        assert!(lexemes(&many.join(" ")).len() < MOST_LEXEMES);
    }
}
