//! The same on a real PostgreSQL: Debian's, started in a folder of its own as a user that is not root.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use incidents::{Config, Store};

use crate::deliver::drain;
use crate::record::{life, search, together};
use crate::sample::{death, named};
use crate::servers::Servers;

/// A running database server, gone when dropped.
struct Server {
    folder: tempfile::TempDir,
    bin: PathBuf,
    port: u16,
}

impl Server {
    /// Starts one; none where the tests do not ask for slow ones.
    fn start() -> Option<Self> {
        if std::env::var_os("UNPANIC_SLOW").is_none() {
            eprintln!("skipped: needs PostgreSQL, which UNPANIC_SLOW=1 asks for");
            return None;
        }
        let versions =
            std::fs::read_dir("/usr/lib/postgresql").expect("apt-get install postgresql");
        let bin = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).max().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { folder, bin, port };
        let data = server.data();
        std::fs::create_dir(&data).unwrap();
        // It refuses to run as root: Debian's package has made a user for it.
        for path in [server.folder.path(), &data] {
            run(Command::new("chown").arg("postgres").arg(path));
        }
        server.tool(
            "initdb",
            &["--auth=trust", "--encoding=UTF8", "--no-sync", "--username=unpanic"],
        );
        let socket = server.folder.path().display().to_string();
        let options = format!("-F -c listen_addresses=127.0.0.1 -p {port} -k {socket}");
        server.tool("pg_ctl", &["-w", "-o", &options, "-l", &format!("{socket}/log"), "start"]);
        Some(server)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Runs a program of the server on its data, as its user.
    fn tool(&self, name: &str, arguments: &[&str]) {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
            .arg(self.bin.join(name))
            .arg("-D")
            .arg(self.data())
            .args(arguments)
            .current_dir(self.folder.path());
        run(&mut command);
    }

    /// A new, empty database.
    async fn database(&self, name: &str) -> String {
        let port = self.port.to_string();
        let mut command = Command::new(self.bin.join("createdb"));
        run(command.args(["-h", "127.0.0.1", "-p", &port, "-U", "unpanic", name]));
        format!("postgres://unpanic@127.0.0.1:{port}/{name}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tool("pg_ctl", &["-m", "immediate", "stop"]);
    }
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let output = output.spawn().and_then(std::process::Child::wait_with_output).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_postgresql() {
    let Some(server) = Server::start() else { return };
    let url = server.database("life").await;
    let store = Store::open(&url, &Config::default()).await.unwrap();
    life(&store).await;
    search(&store).await;

    // Guards of several hosts on one store.
    let url = server.database("together").await;
    let mut stores = Vec::new();
    for _ in 0..4 {
        stores.push(Store::open(&url, &Config::default()).await.unwrap());
    }
    together(stores).await;

    // They share the outbox too.
    let servers = Servers::start().await;
    let config = Config {
        sinks: vec![servers.webhook(), servers.alertmanager(), servers.pagerduty()],
        ..servers.config()
    };
    let url = server.database("outbox").await;
    let first = Store::open(&url, &config).await.unwrap();
    let second = Store::open(&url, &config).await.unwrap();
    let more = async {
        for n in 0..40 {
            let by = if n % 2 == 0 { &first } else { &second };
            by.record(&death(named(&format!("Many{}", n % 10)), n)).await.unwrap();
        }
    };
    tokio::join!(drain(&first, &config), drain(&second, &config), more);
    drain(&first, &config).await;
    {
        let log = servers.log();
        assert!(
            log.wrong.is_empty() && log.repeated.is_empty(),
            "{:?} {:?}",
            log.wrong,
            log.repeated
        );
        let opened = log.hooks.values().filter(|body| body["event"] == "opened").count();
        assert_eq!((opened, log.alerts.len(), log.pages.len()), (10, 10, 10));
    }

    // The database goes away and comes back: what is recorded meanwhile waits.
    server.tool("pg_ctl", &["-m", "fast", "-w", "stop"]);
    let back = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let socket = server.folder.path().display().to_string();
        let options = format!("-F -c listen_addresses=127.0.0.1 -p {} -k {socket}", server.port);
        let log = Path::new(&socket).join("log").display().to_string();
        tokio::task::block_in_place(|| {
            server.tool("pg_ctl", &["-w", "-o", &options, "-l", &log, "start"])
        });
    };
    let new = death(named("Outage"), 0);
    let (recorded, ()) = tokio::join!(first.record(&new), back);
    let id = recorded.unwrap().incident;
    assert_eq!(second.get(&id).await.unwrap().unwrap().count, 1);
}
