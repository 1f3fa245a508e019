//! A server for tests: minimal HTTP over `std`, and the rules of `docs/formats/frame.md`.
//!
//! One thread a connection. What it received is kept in memory, and its mishaps are set from the
//! outside. Also the sink of `examples/sender_figures.rs`.
#![allow(dead_code, reason = "tests and the example use different parts")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use runstone_codec::{PackReader, SeriesColumns};
use runstone_model::{ChangeNumber, RunState, ValueType, WriterId};
use runstone_wire::{
    Completeness, DefineSeries, FRAME_CONTENT_TYPE, Frame, FrameAnswer, FrameStatus, OpenWriter,
    Operation, OperationKind, Refusal, RefusalCode,
};

/// One point as the server has it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPoint {
    pub run: String,
    pub name: String,
    pub context: String,
    pub auto_step: bool,
    pub step: f64,
    pub time_micros: i64,
    pub value_type: ValueType,
    pub value_bits: u64,
    pub epoch: Option<f64>,
}

impl StoredPoint {
    pub fn value(&self) -> f64 {
        match self.value_type {
            ValueType::I64 => self.value_bits.cast_signed() as f64,
            _ => f64::from_bits(self.value_bits),
        }
    }
}

/// What the server knows of a writer.
#[derive(Debug, Clone, Default)]
pub struct StoredWriter {
    pub mark: u64,
    pub chain: u64,
    pub lost: Vec<(u64, u64)>,
    pub open: Option<OpenWriter>,
    pub series: BTreeMap<u32, DefineSeries>,
    pub points: Vec<StoredPoint>,
    /// All but points, as they came.
    pub operations: Vec<Operation>,
    pub completeness: Completeness,
    pub ended: bool,
}

/// How the server behaves.
#[derive(Debug, Default)]
pub struct Mishaps {
    /// Only acknowledge, decode nothing.
    pub sink: AtomicBool,
    /// Each n-th frame is applied and its answer lost; 0: none.
    pub lose_answer_each: AtomicU64,
    /// Answer frames with this status; 0: as it should be.
    pub status: AtomicU64,
    /// Frames are applied and never answered; the connection stays open.
    pub silent: AtomicBool,
    /// Be another program: 404 to everything.
    pub stranger: AtomicBool,
    /// Refuse points of a series of this name.
    pub refused_series: Mutex<Option<String>>,
    /// Ask for this token.
    pub token: Mutex<Option<String>>,
}

#[derive(Debug, Default)]
pub struct State {
    pub writers: Mutex<BTreeMap<WriterId, StoredWriter>>,
    pub mishaps: Mishaps,
    pub frames: AtomicU64,
    pub bytes: AtomicU64,
    closed: AtomicBool,
    connections: Mutex<Vec<TcpStream>>,
}

pub struct FakeServer {
    pub address: SocketAddr,
    pub state: Arc<State>,
}

impl FakeServer {
    pub fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().expect("an address"), Arc::default())
    }

    /// At a given address and with what another one had.
    pub fn start_at(address: SocketAddr, state: Arc<State>) -> Self {
        let listener = TcpListener::bind(address).expect("the address is free");
        let address = listener.local_addr().expect("it is bound");
        state.closed.store(false, Ordering::SeqCst);
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.closed.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { return };
                stream.set_nodelay(true).expect("a TCP socket");
                if let Ok(copy) = stream.try_clone() {
                    shared.connections.lock().expect("no panic").push(copy);
                }
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, state }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn writers(&self) -> MutexGuard<'_, BTreeMap<WriterId, StoredWriter>> {
        self.state.writers.lock().expect("no panic")
    }

    /// All points of a run and a name, in the order of their writers and frames.
    pub fn points(&self, run: &str, name: &str) -> Vec<StoredPoint> {
        self.writers()
            .values()
            .flat_map(|writer| &writer.points)
            .filter(|point| point.run == run && point.name == name)
            .cloned()
            .collect()
    }

    pub fn operations(&self) -> Vec<OperationKind> {
        self.writers()
            .values()
            .flat_map(|writer| {
                writer
                    .operations
                    .iter()
                    .map(|operation| operation.kind.clone())
            })
            .collect()
    }

    /// Stops listening and cuts all connections; the state stays.
    pub fn stop(&self) {
        self.state.closed.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
        for stream in self.state.connections.lock().expect("no panic").drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Request {
    path: String,
    authorization: Option<String>,
    body: Vec<u8>,
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let path = line.split(' ').nth(1)?.to_owned();
    let (mut length, mut authorization) = (0, None);
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "authorization" => authorization = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        path,
        authorization,
        body,
    })
}

fn reply(stream: &mut TcpStream, status: u64, content_type: &str, body: &[u8]) -> Option<()> {
    let mut text = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    text.extend_from_slice(body);
    stream.write_all(&text).ok()
}

fn problem(stream: &mut TcpStream, status: u64) -> Option<()> {
    let body = format!(r#"{{"status":{status},"title":"no","detail":"a mishap","hint":"wait"}}"#);
    reply(stream, status, "application/problem+json", body.as_bytes())
}

fn serve(stream: TcpStream, state: &State) -> Option<()> {
    let mut writer = stream.try_clone().ok()?;
    let mut reader = BufReader::with_capacity(1 << 16, stream);
    let mishaps = &state.mishaps;
    loop {
        let request = read_request(&mut reader)?;
        if state.closed.load(Ordering::SeqCst) {
            return None;
        }
        if mishaps.stranger.load(Ordering::SeqCst) {
            reply(&mut writer, 404, "text/html", b"<h1>not here</h1>")?;
            continue;
        }
        let token = mishaps.token.lock().ok()?.clone();
        if token.is_some_and(|token| request.authorization != Some(format!("Bearer {token}"))) {
            problem(&mut writer, 401)?;
            continue;
        }
        if request.path == "/runstone/v1/server" {
            let body = br#"{"store_id":"s","incarnation":"i","server_version":"t",
                "frame_versions":[1],"limits":{"frame_bytes_max":33554432},"time_micros":0}"#;
            reply(&mut writer, 200, "application/json", body)?;
            continue;
        }
        let status = mishaps.status.load(Ordering::SeqCst);
        if status != 0 {
            problem(&mut writer, status)?;
            continue;
        }
        let body = Bytes::from(request.body);
        let Ok(frame) = Frame::decode(&body) else {
            problem(&mut writer, 400)?;
            continue;
        };
        let number = state.frames.fetch_add(1, Ordering::SeqCst) + 1;
        state.bytes.fetch_add(body.len() as u64, Ordering::SeqCst);
        let answer = receive(state, &frame);
        let lose = mishaps.lose_answer_each.load(Ordering::SeqCst);
        if lose != 0 && number.is_multiple_of(lose) {
            writer.shutdown(std::net::Shutdown::Both).ok()?;
            return None;
        }
        if mishaps.silent.load(Ordering::SeqCst) {
            continue;
        }
        let status = if answer.status == FrameStatus::Mismatch {
            409
        } else {
            200
        };
        reply(&mut writer, status, FRAME_CONTENT_TYPE, &answer.encode())?;
    }
}

fn receive(state: &State, frame: &Frame) -> FrameAnswer {
    let mut writers = state.writers.lock().expect("no panic");
    let known = writers.contains_key(&frame.writer);
    let mut answer = FrameAnswer {
        mark: 0,
        chain: 0,
        status: FrameStatus::Applied,
        refusals: Vec::new(),
        run_state: Some(RunState::Running),
        stop_requested: false,
        change: ChangeNumber(1),
        lost_slots: 0,
    };
    let (mark, chain) = writers
        .get(&frame.writer)
        .map_or((0, 0), |writer| (writer.mark, writer.chain));
    let fits = frame.first_slot == mark && frame.chain_first == chain;
    answer.status = if frame.is_empty_range() {
        if known && frame.first_slot == mark {
            FrameStatus::Applied
        } else {
            FrameStatus::Mismatch
        }
    } else if frame.next_slot <= mark {
        FrameStatus::Duplicate
    } else if fits || (frame.base && frame.first_slot > mark) {
        FrameStatus::Applied
    } else {
        FrameStatus::Mismatch
    };
    if answer.status == FrameStatus::Applied {
        let writer = writers.entry(frame.writer).or_default();
        if !frame.is_empty_range() {
            if frame.first_slot > mark {
                writer.lost.push((mark, frame.first_slot));
                answer.lost_slots = frame.first_slot - mark;
            }
            writer.mark = frame.next_slot;
            writer.chain = frame.chain_next;
        }
        if !state.mishaps.sink.load(Ordering::Relaxed) {
            let refused = state
                .mishaps
                .refused_series
                .lock()
                .expect("no panic")
                .clone();
            for (index, operation) in frame.operations.iter().enumerate() {
                let operation = operation
                    .decode()
                    .expect("the client sends what it encoded");
                let refusals = apply(writer, frame, operation, refused.as_deref());
                answer
                    .refusals
                    .extend(refusals.into_iter().map(|mut refusal| {
                        refusal.operation = index as u32;
                        refusal
                    }));
            }
        }
    }
    if let Some(writer) = writers.get(&frame.writer) {
        (answer.mark, answer.chain) = (writer.mark, writer.chain);
    }
    answer
}

fn apply(
    writer: &mut StoredWriter,
    frame: &Frame,
    operation: Operation,
    refused: Option<&str>,
) -> Vec<Refusal> {
    match &operation.kind {
        OperationKind::DefineSeries(define) => {
            writer.series.insert(define.number, define.clone());
        }
        OperationKind::OpenWriter(open) => writer.open = Some(open.clone()),
        OperationKind::EndWriter(_) => writer.ended = true,
        OperationKind::Completeness(completeness) => writer.completeness = completeness.clone(),
        OperationKind::Points(pack) => return store_points(writer, frame, pack, refused),
        _ => {}
    }
    writer.operations.push(operation);
    Vec::new()
}

fn store_points(
    writer: &mut StoredWriter,
    frame: &Frame,
    pack: &Bytes,
    refused: Option<&str>,
) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let reader = PackReader::parse(pack).expect("a sound pack");
    let mut columns = SeriesColumns::default();
    for index in 0..reader.series_count() {
        let entry = reader.series().nth(index).expect("counted");
        let number = entry.number;
        reader.decode(index, &mut columns).expect("a sound pack");
        let define = &writer.series[&number];
        let name = define.key.name.as_str();
        if refused == Some(name) {
            refusals.push(Refusal {
                operation: 0,
                series: Some(number),
                code: RefusalCode::TypeConflict,
                reason: "a number against text".to_owned(),
                points: columns.len() as u64,
            });
            continue;
        }
        for at in 0..columns.len() {
            let epoch = columns.epochs.as_ref().map(|epochs| epochs[at]);
            writer.points.push(StoredPoint {
                run: frame.run.to_string(),
                name: name.to_owned(),
                context: define.key.context.as_str().to_owned(),
                auto_step: define.auto_step,
                step: columns.steps[at],
                time_micros: columns.times[at],
                value_type: entry.value_type,
                value_bits: columns.values[at],
                epoch: epoch.filter(|epoch| !epoch.is_nan()),
            });
        }
    }
    refusals
}
