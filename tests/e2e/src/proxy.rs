//! A TCP proxy that harms what passes: cuts after so many bytes, delays, repeats, reorders.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the proxy does to the connections that pass.
#[derive(Debug, Clone, Default)]
pub struct Harm {
    /// Cut the first connections after so many bytes of the client's (one entry a connection).
    pub cut_requests_after: Vec<u64>,
    /// Cut the first connections after so many bytes of the server's.
    pub cut_answers_after: Vec<u64>,
    /// Wait before passing each block on.
    pub delay: Option<Duration>,
    /// Send every frame that passes a second time on a connection of its own, and the one before
    /// it after it: repeated and out of order.
    pub repeat_and_reorder: bool,
}

/// A running proxy. When it is dropped it takes no more connections and cuts those it has: a
/// client keeps connections alive, and a server has only so many.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: String,
    harm: Harm,
    connections: AtomicU64,
    harmed: AtomicU64,
    former: Mutex<Option<Vec<u8>>>,
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// Listens on a free port and passes everything on to `target`.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(target: &str, harm: Harm) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let stopped = Arc::new(AtomicBool::new(false));
        let shared = Arc::new(Shared {
            target: target.to_owned(),
            harm,
            connections: AtomicU64::new(0),
            harmed: AtomicU64::new(0),
            former: Mutex::new(None),
            open: Mutex::new(Vec::new()),
        });
        let flag = Arc::clone(&stopped);
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if flag.load(Ordering::Acquire) {
                    return;
                }
                let (Ok(client), shared) = (client, Arc::clone(&accepting)) else {
                    continue;
                };
                std::thread::spawn(move || pass(client, &shared));
            }
        });
        Ok(Self {
            address,
            stopped,
            shared,
        })
    }

    /// Address to give to a client.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How often something was cut, repeated or reordered.
    pub fn harmed(&self) -> u64 {
        self.shared.harmed.load(Ordering::Acquire)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        drop(TcpStream::connect(self.address));
        for stream in self
            .shared
            .open
            .lock()
            .expect("no thread panics while it holds the lock")
            .iter()
        {
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

fn pass(client: TcpStream, shared: &Shared) {
    let Ok(server) = TcpStream::connect(&shared.target) else {
        drop(client.shutdown(Shutdown::Both));
        return;
    };
    drop(client.set_nodelay(true));
    drop(server.set_nodelay(true));
    let number = shared.connections.fetch_add(1, Ordering::AcqRel) as usize;
    let cut_request = shared.harm.cut_requests_after.get(number).copied();
    let cut_answer = shared.harm.cut_answers_after.get(number).copied();
    let (Ok(client_again), Ok(server_again)) = (client.try_clone(), server.try_clone()) else {
        return;
    };
    if let Ok(stream) = client.try_clone() {
        shared
            .open
            .lock()
            .expect("no thread panics while it holds the lock")
            .push(stream);
    }
    std::thread::scope(|scope| {
        scope.spawn(|| copy(&client, &server, cut_request, shared, true));
        scope.spawn(|| copy(&server_again, &client_again, cut_answer, shared, false));
    });
}

/// Passes bytes on until one side ends or the cut is reached; then both sides are closed.
fn copy(
    mut from: &TcpStream,
    mut to: &TcpStream,
    cut: Option<u64>,
    shared: &Shared,
    requests: bool,
) {
    let mut left = cut.unwrap_or(u64::MAX);
    let mut block = [0; 16 * 1024];
    let mut seen = Vec::new();
    while let Ok(length) = from.read(&mut block) {
        if length == 0 {
            break;
        }
        if let Some(delay) = shared.harm.delay {
            std::thread::sleep(delay);
        }
        let passed = length.min(usize::try_from(left).unwrap_or(usize::MAX));
        if to.write_all(&block[..passed]).is_err() {
            break;
        }
        left -= passed as u64;
        if left == 0 && cut.is_some() {
            shared.harmed.fetch_add(1, Ordering::AcqRel);
            break;
        }
        if requests && shared.harm.repeat_and_reorder {
            seen.extend_from_slice(&block[..passed]);
            while let Some(request) = take_request(&mut seen) {
                repeat(request, shared);
            }
        }
    }
    drop(from.shutdown(Shutdown::Both));
    drop(to.shutdown(Shutdown::Both));
}

/// Takes one whole HTTP request with a Content-Length off the front.
fn take_request(seen: &mut Vec<u8>) -> Option<Vec<u8>> {
    let head_end = seen.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&seen[..head_end]).to_ascii_lowercase();
    let length: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0);
    let end = head_end + length;
    if seen.len() < end {
        return None;
    }
    let rest = seen.split_off(end);
    Some(std::mem::replace(seen, rest))
}

/// Sends this request again, and after it the one before it.
fn repeat(request: Vec<u8>, shared: &Shared) {
    let former = shared
        .former
        .lock()
        .expect("no thread panics while it holds the lock")
        .replace(request.clone());
    for again in std::iter::once(request).chain(former) {
        let Ok(mut server) = TcpStream::connect(&shared.target) else {
            continue;
        };
        drop(server.set_read_timeout(Some(Duration::from_secs(10))));
        if server.write_all(&again).is_ok() {
            let mut answer = [0; 4096];
            if server.read(&mut answer).is_ok_and(|length| length > 0) {
                shared.harmed.fetch_add(1, Ordering::AcqRel);
            }
        }
    }
}
