//! A cluster's life, inside this process.

use std::{fs, path::PathBuf};

use diesel::{Connection as _, PgConnection, connection::SimpleConnection as _};
use nix::unistd::geteuid;
use two_doors::db::private_postgres::PrivatePostgres;

use super::{ask, bystander, cluster_user, eventually, has_ended, kill_hard, mode, pid_file, server};
use crate::support::postgres::{TestFolder, throwaway};

fn remember(postgres: &PrivatePostgres) {
    let mut conn = PgConnection::establish(&postgres.url()).unwrap();
    // A throwaway cluster confirms what a crash may still undo, but not this.
    conn.batch_execute("SET synchronous_commit = on; CREATE TABLE kept AS SELECT 'sesame' AS word").unwrap();
}

fn remembers(postgres: &PrivatePostgres) -> bool {
    ask(&postgres.url(), "SELECT word FROM kept") == "sesame"
}

#[test]
fn the_first_start_makes_a_cluster_that_answers() {
    let folder = TestFolder::new();

    let postgres = PrivatePostgres::start(&throwaway(folder.data())).unwrap();

    assert_eq!(ask(&postgres.url(), "current_database()"), "two_doors");
    assert_eq!(ask(&postgres.url(), "current_user"), "two_doors");
    assert_eq!(ask(&postgres.url(), "current_setting('server_encoding')"), "UTF8");
    assert_eq!(ask(&postgres.url(), "current_setting('data_checksums')"), "on");
}

#[test]
fn the_second_start_keeps_the_data() {
    let folder = TestFolder::new();
    let mut first = PrivatePostgres::start(&throwaway(folder.data())).unwrap();
    remember(&first);
    let pid = server(&folder.data());
    first.stop();
    first.stop();
    drop(first);
    assert!(has_ended(pid), "a stopped cluster should have ended");

    let second = PrivatePostgres::start(&throwaway(folder.data())).unwrap();

    assert!(remembers(&second));
}

#[test]
fn the_stale_lock_of_a_server_that_was_killed_is_cleared() {
    let folder = TestFolder::new();
    let first = PrivatePostgres::start(&throwaway(folder.data())).unwrap();
    remember(&first);
    kill_hard(server(&folder.data()));
    drop(first);
    assert!(pid_file(&folder.data()).exists(), "a killed server leaves its lock");

    let second = PrivatePostgres::start(&throwaway(folder.data())).unwrap();

    assert!(remembers(&second));
}

#[test]
fn a_stale_lock_with_the_pid_of_an_unrelated_process_is_cleared_and_the_process_left_alone() {
    let folder = TestFolder::new();
    let first = PrivatePostgres::start(&throwaway(folder.data())).unwrap();
    remember(&first);
    let old = server(&folder.data());
    kill_hard(old);
    drop(first);
    let mut bystander = bystander();
    let socket_lock = folder.data().join("postgres/socket/.s.PGSQL.5432.lock");
    for lock in [pid_file(&folder.data()), socket_lock] {
        let text = fs::read_to_string(&lock).unwrap();
        assert!(text.starts_with(&format!("{old}\n")));
        fs::write(&lock, text.replacen(&old.to_string(), &bystander.0.id().to_string(), 1)).unwrap();
    }

    let second = PrivatePostgres::start(&throwaway(folder.data())).unwrap();

    assert!(remembers(&second));
    drop(second);
    assert!(bystander.0.try_wait().unwrap().is_none(), "the unrelated process should live on");
}

#[test]
fn a_killed_server_whose_worker_is_still_busy_is_waited_for() {
    let folder = TestFolder::new();
    let first = PrivatePostgres::start(&throwaway(folder.data())).unwrap();
    remember(&first);
    let mut conn = PgConnection::establish(&first.url()).unwrap();
    let worker =
        ask(&first.url(), "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'two_doors'");
    // Deaf for three seconds: a worker that only computes does not look up when its server dies.
    let busy = "DO $$ BEGIN WHILE clock_timestamp() < now() + interval '3 s' LOOP END LOOP; END $$";
    let query = std::thread::spawn(move || conn.batch_execute(busy));
    let active = format!("SELECT state FROM pg_stat_activity WHERE pid = {worker}");
    eventually("the worker is busy", || ask(&first.url(), &active) == "active");
    kill_hard(server(&folder.data()));
    drop(first);

    let second = PrivatePostgres::start(&throwaway(folder.data())).unwrap();

    assert!(remembers(&second));
    // What became of the query is the old server's affair.
    let _ = query.join().unwrap();
}

#[test]
fn a_first_start_that_was_interrupted_leaves_nothing_in_the_way() {
    let folder = TestFolder::new();
    let mut settings = throwaway(folder.data());
    settings.extra.push(("shared_buffers".into(), "plenty".into()));
    PrivatePostgres::start(&settings).unwrap_err();
    let home = folder.data().join("postgres");
    fs::remove_dir_all(home.join("cluster")).unwrap();
    let half = home.join("unfinished-1");
    fs::create_dir_all(half.join("base")).unwrap();
    fs::write(half.join("PG_VERSION"), "15\n").unwrap();

    let postgres = PrivatePostgres::start(&throwaway(folder.data())).unwrap();

    assert_eq!(ask(&postgres.url(), "current_database()"), "two_doors");
    assert!(!half.exists());
}

#[test]
fn a_socket_path_over_100_bytes_moves_to_a_closed_folder_elsewhere() {
    let folder = TestFolder::new();
    let data = folder.path().join("a rather long, oddly \"named\" folder".repeat(3)).join("data");

    let mut postgres = PrivatePostgres::start(&throwaway(data.clone())).unwrap();

    let socket = ask(&postgres.url(), "current_setting('unix_socket_directories')");
    let socket = PathBuf::from(socket.trim_matches('"'));
    assert!(socket.starts_with("/tmp"), "{}", socket.display());
    assert_eq!(mode(&socket), 0o700);
    assert_eq!(
        ask(&postgres.url(), "current_setting('data_directory')"),
        data.join("postgres/cluster").to_str().unwrap()
    );
    postgres.stop();
    assert!(!socket.exists(), "an empty folder should not stay behind in /tmp");
}

#[test]
fn a_data_folder_with_spaces_commas_and_quotes_in_its_name_works() {
    let folder = TestFolder::new();

    for name in ["a \"b\" %41", "a, b"] {
        let postgres = PrivatePostgres::start(&throwaway(folder.path().join(name))).unwrap();

        assert_eq!(ask(&postgres.url(), "current_database()"), "two_doors");
    }
}

#[test]
fn nothing_listens_on_tcp() {
    let folder = TestFolder::new();

    let postgres = PrivatePostgres::start(&throwaway(folder.data())).unwrap();

    assert_eq!(ask(&postgres.url(), "current_setting('listen_addresses')"), "");
    let inodes: Vec<String> = fs::read_dir(format!("/proc/{}/fd", server(&folder.data())))
        .unwrap()
        .filter_map(|fd| fs::read_link(fd.unwrap().path()).ok())
        .filter_map(|to| Some(to.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    assert!(!inodes.is_empty(), "at least the Unix socket should show");
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let table = fs::read_to_string(table).unwrap_or_default();
        let open = table
            .lines()
            .find(|line| line.split_whitespace().nth(9).is_some_and(|inode| inodes.iter().any(|i| i == inode)));
        assert_eq!(open, None);
    }
}

#[test]
fn its_folders_are_closed_to_everybody_else() {
    let folder = TestFolder::new();

    let _postgres = PrivatePostgres::start(&throwaway(folder.data())).unwrap();

    let data = folder.data();
    // Root's data folder lets the user `postgres` pass, and shows nobody what is in it.
    assert_eq!(mode(&data), if geteuid().is_root() { 0o711 } else { 0o700 });
    assert_eq!(mode(&data.join("lock")), 0o600);
    for closed in ["postgres", "postgres/cluster", "postgres/socket"] {
        assert_eq!(mode(&data.join(closed)), 0o700, "{closed}");
    }
    assert_eq!(mode(&data.join("postgres/log")), 0o600);
}

#[test]
fn as_root_it_runs_as_postgres_and_otherwise_as_the_same_user() {
    use std::os::unix::fs::MetadataExt as _;
    let folder = TestFolder::new();

    let _postgres = PrivatePostgres::start(&throwaway(folder.data())).unwrap();

    let process = fs::metadata(format!("/proc/{}", server(&folder.data()))).unwrap();
    assert_eq!(process.uid(), cluster_user());
    assert_ne!(process.uid(), 0);
    assert_eq!(fs::metadata(folder.data()).unwrap().uid(), geteuid().as_raw());
    assert_eq!(fs::metadata(folder.data().join("postgres")).unwrap().uid(), cluster_user());
}
