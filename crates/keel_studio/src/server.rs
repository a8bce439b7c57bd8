//! The server: its address, connections, and shutdown.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs, UdpSocket};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};

use crate::error::StudioError;
use crate::guard::Guard;
use crate::routes::router;
use crate::shared::Shared;

/// Time between two checks for a stop request.
const STOP_INTERVAL: Duration = Duration::from_millis(100);

/// Time given to running computations when the studio stops.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// Maximum number of threads that read files and compute answers.
const READERS: usize = 8;

/// Settings of a studio.
#[derive(Debug, Clone)]
pub struct StudioOptions {
    /// Folder that contains the folders of runs; it may be created later.
    pub folder: PathBuf,
    /// Address to listen on for other machines, which then require a token; `None` for this machine only.
    pub host: Option<String>,
    /// Port; 0 for any free port.
    pub port: u16,
    /// Program that executes actions, with the arguments that precede those of an action.
    pub program: Vec<OsString>,
}

/// A listening studio.
#[derive(Debug)]
pub struct Studio {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Studio {
    /// Binds the port.
    ///
    /// # Errors
    /// Fails if the port is taken, the address does not belong to this machine, or the folder is that of a single run.
    pub fn bind(options: StudioOptions) -> Result<Self, StudioError> {
        let StudioOptions { folder, host, port, program } = options;
        let folder = std::path::absolute(&folder)?;
        if folder.join("config.toml").is_file() {
            let parent = folder.parent().unwrap_or(&folder).display().to_string();
            return Err(StudioError::OneRun { folder: folder.display().to_string(), parent });
        }
        let name = host.clone().unwrap_or_else(|| Ipv4Addr::LOCALHOST.to_string());
        let listener = listen(&name, port)?;
        let address = listener.local_addr()?;
        let guard = match host {
            None => Guard::loopback(),
            Some(name) => Guard::with_token(&name, address)?,
        };
        Ok(Studio { listener, address, shared: Arc::new(Shared::new(folder, guard, program)) })
    }

    /// Returns the address of the studio, with the token if it needs one.
    pub fn url(&self) -> String {
        let reached = SocketAddr::new(reached_at(self.address.ip()), self.address.port());
        let token = self.shared.guard.token().map(|token| format!("?token={token}")).unwrap_or_default();
        format!("http://{reached}/{token}")
    }

    /// Returns the address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the folder of runs.
    pub fn folder(&self) -> &Path {
        self.shared.listing.folder()
    }

    /// Serves requests until `stop` is set. Jobs started from its pages continue.
    ///
    /// # Errors
    /// Fails if the operating system closes the port.
    pub fn run(self, stop: &AtomicBool) -> Result<(), StudioError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(READERS)
            .build()?;
        let served = runtime.block_on(async {
            self.listener.set_nonblocking(true)?;
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            let served = async { axum::serve(listener, router(self.shared)).await };
            let stopped = async {
                while !stop.load(Ordering::Relaxed) {
                    tokio::time::sleep(STOP_INTERVAL).await;
                }
            };
            match select(pin!(served), pin!(stopped)).await {
                Either::Left((ended, _)) => ended,
                Either::Right(_) => Ok(()),
            }
        });
        runtime.shutdown_timeout(LAST_MOMENT);
        Ok(served?)
    }
}

fn listen(host: &str, port: u16) -> Result<TcpListener, StudioError> {
    let address = format!("{host}:{port}");
    let bracketed = host.trim_start_matches('[').trim_end_matches(']');
    let refused = |source: std::io::Error| match source.kind() {
        ErrorKind::AddrInUse => StudioError::PortTaken { address: address.clone() },
        _ => StudioError::Address { address: address.clone(), source },
    };
    let places: Vec<SocketAddr> = (bracketed, port).to_socket_addrs().map_err(refused)?.collect();
    TcpListener::bind(places.as_slice()).map_err(refused)
}

/// Returns the address for a browser: if the studio listens on all addresses, the one visible to other machines. No
/// packet is sent.
fn reached_at(address: IpAddr) -> IpAddr {
    if !address.is_unspecified() {
        return address;
    }
    let route = || {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        Ok(socket.local_addr()?.ip())
    };
    route().unwrap_or_else(|_: std::io::Error| Ipv4Addr::LOCALHOST.into())
}
