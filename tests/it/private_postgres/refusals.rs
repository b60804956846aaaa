//! What stops a start: one line that names the folder and what to do, and nothing changed.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use nix::unistd::geteuid;
use two_doors::db::private_postgres::{Error, PrivatePostgres};

use super::{ask, mode};
use crate::support::{
    binary,
    postgres::{TestFolder, throwaway},
};

fn refusal(data: &Path) -> String {
    let line = PrivatePostgres::start(&throwaway(data.to_path_buf())).unwrap_err().to_string();
    assert_eq!(line.lines().count(), 1, "{line}");
    line
}

#[test]
fn a_second_instance_on_the_same_data_is_refused_and_the_first_goes_on() {
    let folder = TestFolder::new();
    let first = PrivatePostgres::start(&throwaway(folder.data())).unwrap();

    let line = refusal(&folder.data());

    assert!(line.starts_with("another Two Doors is running on"), "{line}");
    assert!(line.contains(folder.data().to_str().unwrap()), "{line}");
    assert!(line.contains(&format!("pid {}", std::process::id())), "{line}");
    assert_eq!(ask(&first.url(), "current_database()"), "two_doors");
}

#[test]
fn a_start_that_fails_quotes_the_log_and_names_it() {
    let folder = TestFolder::new();
    let mut settings = throwaway(folder.data());
    settings.extra.push(("shared_buffers".into(), "plenty".into()));

    let line = PrivatePostgres::start(&settings).unwrap_err().to_string();

    assert!(line.contains("shared_buffers") && line.contains("plenty"), "{line}");
    assert!(line.contains(folder.data().join("postgres/log").to_str().unwrap()), "{line}");
}

#[test]
fn a_cluster_of_a_version_that_is_not_installed_is_left_alone() {
    let folder = TestFolder::new();
    drop(PrivatePostgres::start(&throwaway(folder.data())).unwrap());
    let version = folder.data().join("postgres/cluster/PG_VERSION");
    fs::write(&version, "9\n").unwrap();

    let line = refusal(&folder.data());

    assert!(line.contains(folder.data().join("postgres/cluster").to_str().unwrap()), "{line}");
    assert!(line.contains("PostgreSQL 9"), "{line}");
    assert_eq!(fs::read_to_string(&version).unwrap(), "9\n");
}

#[test]
fn a_folder_that_holds_something_else_is_left_as_it_is() {
    let folder = TestFolder::new();
    let data = folder.data();
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(data.join("thesis.tex"), "the only copy").unwrap();

    let line = refusal(&data);

    assert!(line.contains(data.to_str().unwrap()) && line.contains("TWO_DOORS_DATA"), "{line}");
    assert_eq!(mode(&data), 0o755);
    assert_eq!(fs::read_dir(&data).unwrap().count(), 1);
}

#[test]
fn a_folder_with_a_file_called_like_one_of_ours_is_left_as_it_is() {
    let folder = TestFolder::new();
    let data = folder.data();
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["lock", "secrets", "thesis.tex"] {
        fs::write(data.join(name), "the only copy").unwrap();
    }

    let line = refusal(&data);

    assert!(line.contains(data.to_str().unwrap()) && line.contains("TWO_DOORS_DATA"), "{line}");
    assert_eq!(mode(&data), 0o755);
    assert_eq!(fs::read_dir(&data).unwrap().count(), 3);
}

#[test]
fn a_folder_that_holds_a_postgres_of_somebody_else_is_left_as_it_is() {
    let folder = TestFolder::new();
    let data = folder.data();
    fs::create_dir_all(data.join("postgres")).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();

    let line = refusal(&data);

    assert!(line.contains(data.to_str().unwrap()) && line.contains("TWO_DOORS_DATA"), "{line}");
    assert_eq!(mode(&data), 0o755);
}

#[test]
fn what_was_put_into_a_folder_of_ours_stays_and_is_no_matter() {
    let folder = TestFolder::new();
    drop(PrivatePostgres::start(&throwaway(folder.data())).unwrap());
    fs::write(folder.data().join("key.pem"), "mine").unwrap();
    drop(PrivatePostgres::start(&throwaway(folder.data())).unwrap());
    assert_eq!(fs::read_to_string(folder.data().join("key.pem")).unwrap(), "mine");
}

#[test]
fn what_was_there_before_is_never_thrown_away() {
    let folder = TestFolder::new();
    let data = folder.data();
    fs::create_dir(&data).unwrap();
    let listening = TcpListener::bind("127.0.0.1:0").unwrap();
    // With a port that is taken it would not even have come to the database.
    for address in ["127.0.0.1:0".to_owned(), listening.local_addr().unwrap().to_string()] {
        let variables = [("TWO_DOORS_DATA", data.to_str().unwrap()), ("BIND_ADDRESS", &address)];
        let refused = binary::run(&["serve", "--throwaway"], &variables);
        assert!(!refused.success && refused.stderr.contains("File exists"), "{refused:?}");
        assert!(data.is_dir());
    }
}

#[test]
fn a_folder_that_others_may_write_to_is_left_as_it_is() {
    let line = refusal(Path::new("/tmp"));

    assert!(line.starts_with("/tmp "), "{line}");
    assert_eq!(mode(Path::new("/tmp")), 0o1777);
}

#[test]
fn as_root_a_folder_that_postgres_cannot_enter_is_named_and_nothing_made_in_it() {
    if !geteuid().is_root() {
        return;
    }
    let folder = TestFolder::new();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let detour = folder.path().join("detour");
    symlink(&closed, &detour).unwrap();

    for data in [closed.join("a/b/data"), detour.join("data")] {
        let line = refusal(&data);

        assert!(line.contains(&format!("cannot enter {},", closed.display())), "{line}");
        assert_eq!(fs::read_dir(&closed).unwrap().count(), 0);
    }
}

#[test]
fn the_error_without_programs_names_three_ways_out() {
    let line = Error::NoPrograms.to_string();

    for way in ["script/bootstrap", "DATABASE_URL", "docker compose up"] {
        assert!(line.contains(way), "{line}");
    }
}
