//! SQLite: one file, write-ahead log, every commit synced (FULL). One connection writes (the lane owns it),
//! a few read. A lock file keeps a second process out.

use super::{Dialect, Lookup, OnConflict, Rows, Session, Table, Value, Writer};
use crate::error::{StoreError, StoreResult};
use bytes::Bytes;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Readers kept open. More may be opened under load; those beyond this number are closed after use.
const KEPT_READERS: usize = 8;
/// Page cache of a reader and of the writer, in KiB (negative: SQLite's way of saying KiB).
const READER_CACHE: i64 = -8 * 1024;
const WRITER_CACHE: i64 = -32 * 1024;
/// WAL pages (4 KiB) after which a commit moves them into the file.
const CHECKPOINT_PAGES: i64 = 8_000;
/// Prepared statements kept for each connection.
const STATEMENTS: usize = 256;
/// Steps of SQLite's machine between two looks at the clock, some 20 µs.
const STEPS: i32 = 1_000;

#[derive(Clone)]
pub(crate) struct Sqlite {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    readers: Mutex<Vec<Connection>>,
    /// Held for the life of the store; released by the system when the process ends, however it ends.
    _lock: File,
}

const MIGRATIONS: [&str; 6] = [
    include_str!("../migrations/0001_resources.sqlite.sql"),
    include_str!("../migrations/0002_items.sqlite.sql"),
    include_str!("../migrations/0003_audit.sqlite.sql"),
    include_str!("../migrations/0004_messages.sqlite.sql"),
    include_str!("../migrations/0005_outgoing.sqlite.sql"),
    include_str!("../migrations/0006_message_search.sqlite.sql"),
];

impl Sqlite {
    /// Opens or creates the file, brings its tables up to date, and hands out the one writing connection.
    pub(crate) fn open(path: &Path) -> StoreResult<(Sqlite, SqliteSession)> {
        let at = |source: std::io::Error| StoreError::Unavailable(format!("{}: {source}", path.display()));
        if let Some(folder) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(at)?;
        }
        let lock = File::create(path.with_extension("lock")).map_err(at)?;
        if lock.try_lock().is_err() {
            return Err(StoreError::Unavailable(format!(
                "{} is in use by another process; stop it first, or ask it instead",
                path.display()
            )));
        }
        let mut writer = Connection::open(path).map_err(database)?;
        configure(&writer, WRITER_CACHE)?;
        writer.pragma_update(None, "journal_mode", "WAL").map_err(database)?;
        writer.pragma_update(None, "synchronous", "FULL").map_err(database)?;
        writer.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES).map_err(database)?;
        migrate(&mut writer)?;
        let shared = Shared { path: path.to_owned(), readers: Mutex::new(Vec::new()), _lock: lock };
        Ok((
            Sqlite { shared: Arc::new(shared) },
            SqliteSession { connection: Some(writer), pool: None, until: None, begun: false },
        ))
    }

    /// A connection that reads one state of the store, until it is dropped.
    pub(crate) fn reader(&self) -> StoreResult<SqliteSession> {
        let mut session = self.glance()?;
        session.connection().prepare_cached("BEGIN").and_then(|mut it| it.execute([])).map_err(database)?;
        session.begun = true;
        Ok(session)
    }

    /// A connection for one statement, without a transaction around it.
    pub(crate) fn glance(&self) -> StoreResult<SqliteSession> {
        let kept = self.shared.readers.lock().expect("no reader panics while it holds the pool").pop();
        let connection = match kept {
            Some(connection) => connection,
            None => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let connection = Connection::open_with_flags(&self.shared.path, flags).map_err(database)?;
                configure(&connection, READER_CACHE)?;
                connection
            }
        };
        Ok(SqliteSession { connection: Some(connection), pool: Some(self.shared.clone()), until: None, begun: false })
    }

    /// A reader whose statements are stopped when it has been at work for this long.
    pub(crate) fn reader_for(&self, limit: Duration) -> StoreResult<SqliteSession> {
        let mut session = self.reader()?;
        let until = Instant::now() + limit;
        if let Some(connection) = &mut session.connection {
            connection.progress_handler(STEPS, Some(move || Instant::now() >= until)).map_err(database)?;
        }
        session.until = Some(until);
        Ok(session)
    }

    /// Copies the file page by page while others go on; the copy is of one moment.
    pub(crate) fn copy_to(&self, to: &Path, progress: &(dyn Fn(u64, u64) + Send + Sync)) -> StoreResult<()> {
        let from =
            Connection::open_with_flags(&self.shared.path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(database)?;
        let mut copy = Connection::open(to).map_err(database)?;
        let backup = rusqlite::backup::Backup::new(&from, &mut copy).map_err(database)?;
        loop {
            use rusqlite::backup::StepResult::{Done, More};
            // Small steps while nobody writes would begin again with every commit; all at once reads one state.
            match backup.step(-1).map_err(database)? {
                Done => break,
                More => {}
                _ => std::thread::sleep(std::time::Duration::from_millis(20)),
            }
            let at = backup.progress();
            progress((at.pagecount - at.remaining) as u64, at.pagecount as u64);
        }
        drop(backup);
        copy.pragma_update(None, "journal_mode", "DELETE").map_err(database)?;
        copy.close().map_err(|(_, error)| database(error))?;
        File::open(to)
            .and_then(|file| file.sync_all())
            .map_err(|source| StoreError::Unavailable(format!("{}: {source}", to.display())))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.shared.path
    }
}

fn configure(connection: &Connection, cache: i64) -> StoreResult<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "cache_size", cache).map_err(database)?;
    connection.pragma_update(None, "temp_store", "MEMORY").map_err(database)?;
    connection.busy_timeout(std::time::Duration::from_secs(10)).map_err(database)
}

fn migrate(writer: &mut Connection) -> StoreResult<()> {
    let done: i64 = writer.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(database)?;
    if done as usize > MIGRATIONS.len() {
        return Err(StoreError::Unavailable(format!(
            "the store was written by a newer version of Continuo (schema {done}, known here: {})",
            MIGRATIONS.len()
        )));
    }
    for (at, migration) in MIGRATIONS.iter().enumerate().skip(done as usize) {
        let transaction = writer.transaction().map_err(database)?;
        transaction.execute_batch(migration).map_err(database)?;
        transaction.pragma_update(None, "user_version", at as i64 + 1).map_err(database)?;
        transaction.commit().map_err(database)?;
    }
    Ok(())
}

/// Errors of the disk are told from errors of ours.
pub(crate) fn database(error: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => StoreError::took_too_long(),
        Some(ErrorCode::DiskFull) => StoreError::ReadOnly("the disk is full".to_owned()),
        Some(ErrorCode::ReadOnly) => StoreError::ReadOnly("the file cannot be written".to_owned()),
        Some(ErrorCode::SystemIoFailure) => StoreError::ReadOnly("the disk reports an error".to_owned()),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged(error.to_string()),
        Some(ErrorCode::CannotOpen | ErrorCode::DatabaseBusy) => StoreError::Unavailable(error.to_string()),
        _ => StoreError::Database(error.to_string()),
    }
}

/// One connection. Its futures are always ready: SQLite does not wait for anybody.
pub(crate) struct SqliteSession {
    connection: Option<Connection>,
    /// Where a reader goes back to.
    pool: Option<Arc<Shared>>,
    /// When its time is over.
    until: Option<Instant>,
    /// A reader's transaction has begun.
    begun: bool,
}

impl SqliteSession {
    fn connection(&self) -> &Connection {
        self.connection.as_ref().expect("a session has its connection until it is dropped")
    }

    fn run(&mut self, sql: &str) -> StoreResult<()> {
        self.connection().prepare_cached(sql).and_then(|mut it| it.raw_execute().map(drop)).map_err(database)
    }

    fn rows(&self, sql: &str, values: &[Value]) -> StoreResult<Vec<Vec<Value>>> {
        let mut statement = self.connection().prepare_cached(sql).map_err(database)?;
        let mut found = Vec::new();
        collect(&mut statement, values, &mut found)?;
        Ok(found)
    }
}

impl Drop for SqliteSession {
    fn drop(&mut self) {
        let (Some(mut connection), Some(pool)) = (self.connection.take(), self.pool.take()) else { return };
        if self.until.is_some() && connection.progress_handler(0, None::<fn() -> bool>).is_err() {
            return;
        }
        let end = || connection.prepare_cached("COMMIT").and_then(|mut it| it.execute([]));
        let ended = !self.begun || end().is_ok();
        let mut readers = pool.readers.lock().expect("no reader panics while it holds the pool");
        if ended && readers.len() < KEPT_READERS {
            readers.push(connection);
        }
    }
}

fn collect(
    statement: &mut rusqlite::CachedStatement<'_>,
    values: &[Value],
    found: &mut Vec<Vec<Value>>,
) -> StoreResult<()> {
    let width = statement.column_count();
    let mut rows = statement.query(rusqlite::params_from_iter(values)).map_err(database)?;
    while let Some(row) = rows.next().map_err(database)? {
        let mut out = Vec::with_capacity(width);
        for at in 0..width {
            out.push(match row.get_ref(at).map_err(database)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(it) => Value::Int(it),
                ValueRef::Real(it) => Value::Real(it),
                ValueRef::Text(it) => Value::Text(String::from_utf8_lossy(it).into_owned()),
                ValueRef::Blob(it) => Value::Blob(Bytes::copy_from_slice(it)),
            });
        }
        found.push(out);
    }
    Ok(())
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(it) => ValueRef::Integer(*it),
            Value::Real(it) => ValueRef::Real(*it),
            Value::Text(it) => ValueRef::Text(it.as_bytes()),
            Value::Blob(it) => ValueRef::Blob(it),
        }))
    }
}

impl Session for SqliteSession {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn check_time(&self) -> StoreResult<()> {
        match self.until {
            Some(until) if Instant::now() >= until => Err(StoreError::took_too_long()),
            _ => Ok(()),
        }
    }

    async fn query(&mut self, sql: &str, values: &[Value]) -> StoreResult<Vec<Vec<Value>>> {
        self.rows(sql, values)
    }

    async fn lookup(&mut self, lookup: &'static Lookup, keys: &Rows) -> StoreResult<Vec<Vec<Value>>> {
        let sql = lookup_sql(lookup);
        let mut statement = self.connection().prepare_cached(&sql).map_err(database)?;
        let mut found = Vec::new();
        for key in keys.iter() {
            collect(&mut statement, key, &mut found)?;
        }
        Ok(found)
    }

    async fn insert(&mut self, table: &'static Table, rows: &Rows) -> StoreResult<()> {
        if rows.is_empty() {
            return Ok(());
        }
        // A full-text row is named by its rowid.
        let names: Vec<&str> = table.columns.iter().map(|it| Dialect::Sqlite.column(table.name, it.name)).collect();
        let marks = vec!["?"; names.len()].join(", ");
        let verb = match table.on_conflict {
            OnConflict::Ignore => "INSERT OR IGNORE",
            OnConflict::Replace if table.name == "words" => "INSERT OR REPLACE",
            OnConflict::Replace | OnConflict::Fail => "INSERT",
        };
        let mut sql = format!("{verb} INTO {} ({}) VALUES ({marks})", table.name, names.join(", "));
        if table.on_conflict == OnConflict::Replace && table.name != "words" {
            sql.push_str(&table.upsert(""));
        }
        self.each(&sql, rows)
    }

    async fn delete(&mut self, table: &'static Table, rows: &Rows) -> StoreResult<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let key: Vec<String> = table.columns[..table.key]
            .iter()
            .map(|it| format!("{} = ?", Dialect::Sqlite.column(table.name, it.name)))
            .collect();
        self.each(&format!("DELETE FROM {} WHERE {}", table.name, key.join(" AND ")), rows)
    }
}

impl Writer for SqliteSession {
    /// The lock file keeps other processes out, so nobody else can have written.
    async fn begin(&mut self) -> StoreResult<Option<i64>> {
        self.run("BEGIN IMMEDIATE").map(|()| None)
    }

    async fn commit(&mut self) -> StoreResult<()> {
        self.run("COMMIT")
    }

    async fn rollback(&mut self) -> StoreResult<()> {
        if self.connection().is_autocommit() { Ok(()) } else { self.run("ROLLBACK") }
    }

    async fn vacuum(&mut self) -> StoreResult<()> {
        self.run("VACUUM")?;
        self.settle().await
    }

    /// Moves the write-ahead log into the file.
    async fn settle(&mut self) -> StoreResult<()> {
        self.rows("PRAGMA wal_checkpoint(TRUNCATE)", &[]).map(drop)
    }
}

impl SqliteSession {
    fn each(&mut self, sql: &str, rows: &Rows) -> StoreResult<()> {
        let mut statement = self.connection().prepare_cached(sql).map_err(database)?;
        for row in rows.iter() {
            for (at, value) in row.iter().enumerate() {
                statement.raw_bind_parameter(at + 1, value).map_err(database)?;
            }
            statement.raw_execute().map_err(database)?;
        }
        Ok(())
    }
}

fn lookup_sql(lookup: &Lookup) -> String {
    let returning: Vec<&str> = lookup.returning.iter().map(|it| it.name).collect();
    let key: Vec<String> = lookup.key.iter().map(|it| format!("{} = ?", it.name)).collect();
    format!("SELECT {} FROM {} WHERE {}", returning.join(", "), lookup.table, key.join(" AND "))
}
