//! A database for each test, in one throwaway cluster for each test process.
//!
//! The cluster is the product's own private one, without the syncing that only a power cut rewards. It
//! starts with the first test that wants a database. Statics are never dropped, so a small shell that
//! waits for the test process to end, in whatever way, stops the cluster and removes its folder.

use std::{
    fmt::Write as _,
    fs,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        LazyLock, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
        mpsc::{self, Sender},
    },
    thread,
};

use diesel::{
    Connection as _, PgConnection, RunQueryDsl as _, connection::SimpleConnection as _, dsl::sql, sql_types::Integer,
};
use two_doors::db::private_postgres::{PrivatePostgres, Settings};

use super::folder;

const TEMPLATE: &str = "migrated_template";

/// Whom servers are to their database: who owns the tables is somebody else.
pub const SERVER_ROLE: &str = "two_doors_server";

/// A database of this test's own. Dropping it drops the database soon after, whoever is connected.
pub struct TestDatabase {
    name: String,
    url: String,
}

impl TestDatabase {
    /// With every migration applied.
    pub fn create() -> Self {
        Self::of(Some(&MIGRATED))
    }

    /// With nothing in it.
    pub fn empty() -> Self {
        Self::of(None)
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same for the server's role, which uses the tables and does not own them.
    pub fn server_url(&self) -> String {
        as_server(&self.url)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Unix socket of the cluster that it lives in.
    pub fn socket(&self) -> PathBuf {
        let query = self.url.split_once('?').expect("a query").1.as_bytes();
        let part = |wanted: &str| {
            let mut parts = url::form_urlencoded::parse(query).into_owned();
            parts.find(|(name, _)| name == wanted).expect("it is there").1
        };
        PathBuf::from(part("host")).join(format!(".s.PGSQL.{}", part("port")))
    }

    pub fn connect(&self) -> PgConnection {
        PgConnection::establish(&self.url).expect("the test's database should answer")
    }

    /// The same database, for a second server; it goes with the first.
    pub fn shared(&self) -> Self {
        Self { name: String::new(), url: self.url.clone() }
    }

    /// A connection beside the database, from which it can be taken away.
    pub fn administrator() -> PgConnection {
        administrator(&CLUSTER.postgres)
    }

    fn of(template: Option<&str>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let name = format!("t_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        CLUSTER.create(&name, template);
        let url = CLUSTER.postgres.url_for(&name);
        Self { name, url }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if self.name.is_empty() {
            return;
        }
        // A failure here would hide why the test itself failed; the folder goes in the end anyway.
        let _ = DROPS.send(std::mem::take(&mut self.name));
    }
}

static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);

// The server takes a tenth of a second to drop what somebody is connected to: no test waits for it.
static DROPS: LazyLock<Sender<String>> = LazyLock::new(|| {
    let (sender, names) = mpsc::channel::<String>();
    let mut conn = administrator(&CLUSTER.postgres);
    thread::spawn(move || {
        for name in names {
            let _ = conn.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    });
    sender
});

static MIGRATED: LazyLock<&str> = LazyLock::new(|| {
    CLUSTER.create(TEMPLATE, None);
    let url = CLUSTER.postgres.url_for(TEMPLATE);
    two_doors::db::migrate(&url).expect("migrations should apply");
    two_doors::db::grant(&url, &as_server(&url)).expect("the server's role should get its rights");
    TEMPLATE
});

struct Cluster {
    postgres: PrivatePostgres,
    // One connection makes all databases: in parallel they would only get in each other's way.
    admin: Mutex<PgConnection>,
    strategy: &'static str,
    _folder: TestFolder,
}

impl Cluster {
    fn start() -> Self {
        let folder = TestFolder::new();
        let postgres = PrivatePostgres::start(&throwaway(folder.data())).expect("a cluster for the tests");
        let mut admin = administrator(&postgres);
        admin.batch_execute(&format!("CREATE ROLE {SERVER_ROLE} LOGIN")).expect("a role for the servers");
        let version = diesel::select(sql::<Integer>("current_setting('server_version_num')::integer"))
            .get_result::<i32>(&mut admin)
            .expect("a server knows its version");
        Self {
            postgres,
            admin: Mutex::new(admin),
            // Copying files would make a checkpoint of the whole cluster, twice for each test.
            strategy: if version >= 150_000 { "STRATEGY WAL_LOG" } else { "" },
            _folder: folder,
        }
    }

    fn create(&self, name: &str, template: Option<&str>) {
        let mut create = format!("CREATE DATABASE {name} {}", self.strategy);
        if let Some(template) = template {
            write!(create, " TEMPLATE {template}").expect("writing to a String");
        }
        // A test that panicked while it held the connection left nothing half-done on it.
        let mut admin = self.admin.lock().unwrap_or_else(PoisonError::into_inner);
        admin.batch_execute(&create).expect("a database for a test");
    }
}

fn as_server(url: &str) -> String {
    let (scheme, rest) = url.split_once("//two_doors@").expect("the owner's URL");
    format!("{scheme}//{SERVER_ROLE}@{rest}")
}

fn administrator(postgres: &PrivatePostgres) -> PgConnection {
    PgConnection::establish(&postgres.url_for("postgres")).expect("the tests' cluster should answer")
}

/// Settings of a cluster that nobody will miss.
pub fn throwaway(data: PathBuf) -> Settings {
    let extra = [
        ("fsync", "off"),
        ("synchronous_commit", "off"),
        ("full_page_writes", "off"),
        ("max_connections", "500"),
        // It may lie in memory.
        ("max_wal_size", "256MB"),
    ];
    Settings {
        data,
        path: std::env::var_os("PATH"),
        runtime_dir: None,
        extra: extra.map(|(name, value)| (name.into(), value.into())).into(),
    }
}

/// An empty folder that the cluster's user may pass through. When it is dropped, or this process ends in
/// whatever way, the cluster in its `data` is stopped and the folder removed.
pub struct TestFolder {
    path: PathBuf,
    end: Child,
}

impl TestFolder {
    pub fn new() -> Self {
        let folder = folder::throwaway("two-doors-test-");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).expect("the folder is ours");
        let path = folder.keep();
        Self { end: clean_up_when_the_pipe_closes(&path), path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn data(&self) -> PathBuf {
        self.path.join("data")
    }
}

impl Drop for TestFolder {
    fn drop(&mut self) {
        drop(self.end.stdin.take());
        let _ = self.end.wait();
    }
}

// The pipe closes with the process that holds it, also after a kill -9.
fn clean_up_when_the_pipe_closes(folder: &Path) -> Child {
    const SCRIPT: &str = r#"
        cat >/dev/null
        file="$1/data/postgres/cluster/postmaster.pid"
        kill -INT "$(head -n 1 "$file")"
        tries=0
        while [ -e "$file" ] && [ "$tries" -lt 200 ]; do
            sleep 0.05
            tries=$((tries + 1))
        done
        rm -rf "$1"
    "#;
    Command::new("/bin/sh")
        .args(["-c", SCRIPT, "sh"])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C ends the tests; what cleans up after them has to live on.
        .process_group(0)
        .spawn()
        .expect("sh")
}
