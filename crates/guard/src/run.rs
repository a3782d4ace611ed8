//! The guard as a whole: opens what it needs, starts its parts, listens to signals, and ends them in
//! the order in which nothing is lost: no new connections, requests in flight finish, children end,
//! incidents are written.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use nix::sys::signal::Signal;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use incidents::{Courier, Store};

use crate::admin::{self, AdminConfig};
use crate::backend::Router;
use crate::capture::Outlet;
use crate::error::{Error, Result};
use crate::findings::Findings;
use crate::flights::{Flight, Flights};
use crate::incident::{Keeper, Recorder};
use crate::live::View;
use crate::metrics::Metrics;
use crate::options::{Options, Probe};
use crate::otlp::Tracer;
use crate::proxy::{self, Proxy};
use crate::recovery::Recovery;
use crate::supervisor::{Context, Control, Supervisor, say};

/// Observations that may wait for the store.
const QUEUE: usize = 10_000;
/// Connections that the kernel keeps while all are busy.
const BACKLOG: u32 = 4096;
/// When a start is over: the first child answers, and whatever runs once has run.
const STARTED: Duration = Duration::from_secs(5);
/// How long the last incidents may take to be written when the guard ends.
const LAST_WRITES: Duration = Duration::from_secs(10);

/// Runs a guard until SIGTERM or SIGINT; call it inside a runtime.
pub fn run(options: Options) -> BoxFuture<'static, Result<()>> {
    Box::pin(async move {
        options.check()?;
        let findings = match &options.findings {
            Some(path) => Findings::read(path)?,
            None => Findings::default(),
        };
        let tls = match &options.proxy.tls {
            Some((certificate, key)) => Some(proxy::tls(certificate, key)?),
            None => None,
        };
        let otlp = options.otlp.as_deref().map(crate::otlp::Exporter::new).transpose()?;
        let tracer = options.otlp.as_deref().map(|base| Tracer::new(base, &options)).transpose()?;
        upstream_is_free(&options)?;
        let listener = listen(options.listen)?;
        let admin = options.admin.as_ref().map(|admin| listen(admin.address)).transpose()?;
        let store = match &options.store {
            Some(place) => {
                let store = Store::open(place, &options.incidents).await;
                Some(store.map_err(|e| Error::Store(e.to_string()))?)
            }
            None => None,
        };
        let courier =
            store.clone().map(|store| Courier::new(store, &options.incidents)).transpose();
        let courier = courier.map_err(|e| Error::Store(e.to_string()))?;
        let mut signals = Signals::new()?;

        let (observations, receive) = mpsc::channel(QUEUE);
        let (recovered, recoveries) = mpsc::unbounded_channel();
        let (metrics, tracer) = (Metrics::new(), tracer.map(Arc::new));
        let ended = {
            let (metrics, tracer) = (Arc::clone(&metrics), tracer.clone());
            move |flight: &Flight| {
                metrics.ended(flight);
                if let Some(tracer) = &tracer {
                    tracer.ended(flight);
                }
            }
        };
        let context = Arc::new(Context {
            router: Router::new(options.proxy.queue),
            flights: Flights::new(ended),
            metrics,
            recovery: Arc::new(Recovery::new(recovered)),
            stdout: Outlet::new(std::io::stdout()),
            stderr: Outlet::new(std::io::stderr()),
            observations: parking_lot::Mutex::new(Some(observations)),
            options,
        });
        let supervisor = Supervisor::new(Arc::clone(&context))?;
        let options = &context.options;
        context.say(|| {
            let how = match &options.health.probe {
                Probe::Tcp => "tcp".to_owned(),
                Probe::Http(path) => format!("GET {path}"),
                Probe::Grpc(service) => format!("gRPC health of {service:?}"),
            };
            format!("listening on {}; health: {how}; {} findings", options.listen, findings.len())
        });
        let keeper = Keeper::new(store.clone());
        let recorder = Recorder::new(Arc::clone(&context), findings, keeper, otlp);
        let version = recorder.version();
        let recording = tokio::spawn(recorder.run(receive, recoveries));
        let end = CancellationToken::new();
        let delivering = courier.map(|courier| {
            let (stderr, end) = (Arc::clone(&context.stderr), end.clone());
            let courier = courier.complaining(move |text| say(&stderr, text));
            tokio::spawn(courier.run(end.cancelled_owned()))
        });
        let watching = match (admin, store) {
            (Some(listener), Some(store)) => {
                let view = View::new(Arc::clone(&context), Arc::clone(&supervisor), version);
                let counting = tokio::spawn(Arc::clone(&view).count());
                let config = admin_config(&context)?;
                let page =
                    admin::serve(listener, store, view, config, end.clone().cancelled_owned());
                Some((tokio::spawn(page), counting))
            }
            _ => None,
        };
        let scraping = options
            .scrape
            .clone()
            .map(|path| tokio::spawn(crate::scrape::run(Arc::clone(&context), path)));

        let (stop_accepting, cut, stop_children) =
            (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
        let children = tokio::spawn(Arc::clone(&supervisor).run(stop_children.clone()));
        let proxy = Proxy::new(
            options.proxy.clone(),
            options.upstream.protocol,
            Arc::clone(&context.router),
            Arc::clone(&context.flights),
            Arc::clone(&context.metrics),
            Arc::clone(&context.recovery),
            tracer,
        );
        let serving =
            tokio::spawn(proxy::serve(listener, tls, proxy, stop_accepting.clone(), cut.clone()));

        tokio::spawn(async {
            tokio::time::sleep(STARTED).await;
            crate::pages::let_go_of_code();
        });

        signals.forward(&supervisor, &context).await;

        // The end. Requests in flight keep their child; those that wait for one give up.
        stop_accepting.cancel();
        if context.router.ready().is_empty() {
            context.router.stop();
        }
        let all = async {
            let _ = serving.await;
            // Connections that left HTTP have no server any more, and are in flight all the same.
            while !context.flights.is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let drained = tokio::select! {
            drained = tokio::time::timeout(options.lifecycle.drain, all) => drained.is_ok(),
            // Whoever says it twice does not want to wait.
            () = signals.again() => false,
        };
        if !drained {
            context.tell(&format!("{} requests are cut off", context.flights.len()));
        }
        context.router.stop();
        cut.cancel();
        stop_children.cancel();
        // The children's own limits hold; an error is a panic of ours, which ends them too.
        let _ = children.await;
        let (stdout, stderr) = (Arc::clone(&context.stdout), Arc::clone(&context.stderr));
        if let Some(scraping) = scraping {
            scraping.abort();
        }
        // The recorder ends when nobody is left who could send it anything; the others after it, so
        // that what it records is delivered, or lies in the store for the next guard.
        context.no_more_observations();
        let _ = tokio::time::timeout(LAST_WRITES, recording).await;
        end.cancel();
        if let Some(delivering) = delivering {
            let _ = tokio::time::timeout(LAST_WRITES, delivering).await;
        }
        if let Some((page, counting)) = watching {
            counting.abort();
            let _ = page.await;
        }
        stdout.drained(Duration::from_secs(1)).await;
        stderr.drained(Duration::from_secs(1)).await;
        Ok(())
    })
}

fn admin_config(context: &Context) -> Result<AdminConfig> {
    let options = context.options.admin.as_ref();
    let token = match options.and_then(|admin| admin.token.clone()) {
        Some(token) => token,
        None => {
            let token = admin::generate_token()
                .map_err(|source| Error::Io { doing: "cannot make a token", source })?;
            context.tell(&format!(
                "the token of the admin page is {token} (set UNPANIC_GUARD_ADMIN_TOKEN to choose it)"
            ));
            token
        }
    };
    if let Some(admin) = options {
        context.say(|| format!("admin page on http://{}/", admin.address));
    }
    Ok(AdminConfig {
        token,
        hosts: options.map(|admin| admin.hosts.clone()).unwrap_or_default(),
        open_metrics: options.is_some_and(|admin| admin.open_metrics),
        secure: options.is_some_and(|admin| admin.secure),
    })
}

/// With a fixed port, whoever listens there already would be taken for the child.
fn upstream_is_free(options: &Options) -> Result<()> {
    let Some(port) = options.upstream.port else { return Ok(()) };
    let address = SocketAddr::new(options.upstream.host, port);
    let patience = Duration::from_millis(500);
    if std::net::TcpStream::connect_timeout(&address, patience).is_ok() {
        return Err(Error::Option(format!(
            "--upstream {address}: something listens there already; the service starts as a child of the \
             guard, so stop the other one, or give each child its own port with {{port}}"
        )));
    }
    Ok(())
}

/// Listens; all interfaces means IPv6 with IPv4, or IPv4 where there is no IPv6.
fn listen(address: SocketAddr) -> Result<TcpListener> {
    let failed = |source| Error::Listen { address: address.to_string(), source };
    let open = |address: SocketAddr| {
        let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
        if address.is_ipv6() && address.ip().is_unspecified() {
            socket2::SockRef::from(&socket).set_only_v6(false)?;
        }
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    match open(address) {
        Err(_) if address.is_ipv6() && address.ip().is_unspecified() => {
            open((std::net::Ipv4Addr::UNSPECIFIED, address.port()).into()).map_err(failed)
        }
        opened => opened.map_err(failed),
    }
}

/// The signals that mean something to the guard.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    upgrade: tokio::signal::unix::Signal,
    quit: tokio::signal::unix::Signal,
    user: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        let watch = |kind| {
            signal(kind).map_err(|source| Error::Io { doing: "cannot watch signals", source })
        };
        Ok(Self {
            terminate: watch(SignalKind::terminate())?,
            interrupt: watch(SignalKind::interrupt())?,
            hangup: watch(SignalKind::hangup())?,
            upgrade: watch(SignalKind::user_defined2())?,
            quit: watch(SignalKind::quit())?,
            user: watch(SignalKind::user_defined1())?,
        })
    }

    /// Acts on signals until one says that this is the end.
    async fn forward(&mut self, supervisor: &Supervisor, context: &Context) {
        let started = Instant::now();
        loop {
            let control = tokio::select! {
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
                _ = self.hangup.recv() => Control::Upgrade,
                _ = self.upgrade.recv() => Control::Upgrade,
                _ = self.quit.recv() => Control::Signal(Signal::SIGQUIT),
                _ = self.user.recv() => Control::Signal(Signal::SIGUSR1),
            };
            supervisor.control(control);
        }
        context.say(|| format!("stopping after {:.0?}", started.elapsed()));
    }

    /// Waits until the end is asked for once more.
    async fn again(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
