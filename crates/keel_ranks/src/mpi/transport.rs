//! Transport of messages through MPI, from the one thread that started it.

use std::ffi::c_int;
use std::sync::Arc;
use std::time::Duration;

use super::library::{Handle, Library, Status};
use crate::collectives::Place;
use crate::error::RankError;
use crate::packet::Packet;
use crate::pieces::{Assembly, LONGEST, split};
use crate::transport::Transport;

/// `MPI_THREAD_FUNNELED`: one thread calls MPI.
const FUNNELED: c_int = 1;
/// Tag of all messages; the headers say which operation they belong to.
const TAG: c_int = 17;

/// Time per byte in shared memory of processes, where a copy progresses only while both poll.
const EAGER_NANOSECONDS_PER_BYTE: f64 = 1.0;

/// A message that MPI is still reading.
struct Outgoing {
    request: Handle,
    packet: Arc<Packet>,
}

/// A buffer that MPI is still writing.
struct Incoming {
    request: Handle,
    /// Empty, with a capacity of at least `length`.
    buffer: Vec<u8>,
    /// Length of the message in bytes.
    length: usize,
}

impl Incoming {
    /// Returns the bytes of a complete message.
    fn into_bytes(mut self) -> Vec<u8> {
        // SAFETY: the request is complete, so MPI has written `length` bytes, for which there is capacity.
        unsafe { self.buffer.set_len(self.length) };
        self.buffer
    }
}

/// The transport of a process; stays in the thread that created it.
pub(super) struct MpiTransport {
    library: Library,
    outgoing: Vec<Outgoing>,
    incoming: Vec<Incoming>,
    assembly: Assembly,
    /// Number of the next message that is split.
    long_messages: u64,
}

impl MpiTransport {
    /// Starts MPI.
    ///
    /// # Errors
    /// [`RankError::Mpi`] with the function that failed.
    pub(super) fn start(library: Library) -> Result<(Place, Self), RankError> {
        let (none, mut provided) = (std::ptr::null_mut(), 0);
        // SAFETY: the caller ensures that MPI starts once; arguments may be null since MPI 2.
        let code = unsafe { (library.init_thread)(none, std::ptr::null_mut(), FUNNELED, &mut provided) };
        library.check("MPI_Init_thread", code)?;
        if provided < FUNNELED {
            let what = "the library does not work in a program with threads".to_owned();
            return Err(RankError::Mpi { call: "MPI_Init_thread".to_owned(), what });
        }
        // SAFETY: MPI has started, and both handles belong to it.
        let code = unsafe { (library.set_error_handler)(library.world, library.errors_return) };
        library.check("MPI_Comm_set_errhandler", code)?;
        let (mut rank, mut size) = (0, 0);
        // SAFETY: MPI has started, and the pointer refers to a valid integer.
        let code = unsafe { (library.comm_rank)(library.world, &mut rank) };
        library.check("MPI_Comm_rank", code)?;
        // SAFETY: MPI has started, and the pointer refers to a valid integer.
        let code = unsafe { (library.comm_size)(library.world, &mut size) };
        library.check("MPI_Comm_size", code)?;
        let place = Place { rank: length(rank), size: length(size) };
        let (outgoing, incoming, assembly) = (Vec::new(), Vec::new(), Assembly::default());
        Ok((place, MpiTransport { library, outgoing, incoming, assembly, long_messages: 0 }))
    }

    fn send_whole(&mut self, to: usize, packet: Arc<Packet>) -> Result<(), RankError> {
        let library = &self.library;
        let bytes = packet.bytes();
        let count = c_int::try_from(bytes.len()).map_err(|_| packet.unexpected())?;
        let to = c_int::try_from(to).map_err(|_| packet.unexpected())?;
        let mut request = 0;
        // SAFETY: the packet, which is immutable, is kept in `outgoing` until MPI has read it.
        let code = unsafe {
            (library.isend)(bytes.as_ptr().cast(), count, library.byte, to, TAG, library.world, &mut request)
        };
        library.check("MPI_Isend", code)?;
        self.outgoing.push(Outgoing { request, packet });
        Ok(())
    }

    /// Starts receiving messages that have arrived.
    fn probe(&mut self) -> Result<(), RankError> {
        let library = &self.library;
        loop {
            let (mut found, mut message): (c_int, Handle) = (0, 0);
            let mut status: Status = [0; 32];
            // SAFETY: all pointers refer to variables that are large enough.
            let code = unsafe {
                (library.improbe)(library.any_source, TAG, library.world, &mut found, &mut message, &mut status)
            };
            library.check("MPI_Improbe", code)?;
            if found == 0 {
                return Ok(());
            }
            let mut count = 0;
            // SAFETY: the status is the one that the library has just written.
            library.check("MPI_Get_count", unsafe { (library.get_count)(&status, library.byte, &mut count) })?;
            let length = length(count);
            let mut incoming = Incoming { request: 0, buffer: Vec::with_capacity(length), length };
            // SAFETY: the buffer has a capacity of `count` bytes and is kept in `incoming`, untouched, until MPI has written it.
            let code = unsafe {
                let buffer = incoming.buffer.as_mut_ptr().cast();
                (library.imrecv)(buffer, count, library.byte, &mut message, &mut incoming.request)
            };
            library.check("MPI_Imrecv", code)?;
            self.incoming.push(incoming);
        }
    }
}

impl Drop for MpiTransport {
    fn drop(&mut self) {
        // MPI may still use the buffers of incomplete messages.
        std::mem::forget((std::mem::take(&mut self.outgoing), std::mem::take(&mut self.incoming)));
    }
}

/// Returns true if a request is complete; its handle is invalid then.
fn is_complete(library: &Library, request: &mut Handle) -> Result<bool, RankError> {
    let (mut flag, mut status): (c_int, Status) = (0, [0; 32]);
    // SAFETY: the request comes from this library and was not complete before.
    library.check("MPI_Test", unsafe { (library.test)(request, &mut flag, &mut status) })?;
    Ok(flag != 0)
}

/// Converts an integer of MPI that is never negative.
fn length(count: c_int) -> usize {
    usize::try_from(count).unwrap_or(0)
}

impl Transport for MpiTransport {
    fn send(&mut self, to: usize, packet: Arc<Packet>) -> Result<(), RankError> {
        let pieces = split(&packet, self.long_messages, LONGEST);
        if pieces.is_empty() {
            return self.send_whole(to, packet);
        }
        self.long_messages += 1;
        pieces.into_iter().try_for_each(|piece| self.send_whole(to, Arc::new(piece)))
    }

    fn poll(&mut self) -> Result<Vec<Arc<Packet>>, RankError> {
        let mut index = 0;
        while let Some(outgoing) = self.outgoing.get_mut(index) {
            match is_complete(&self.library, &mut outgoing.request)? {
                true => drop(self.outgoing.swap_remove(index).packet),
                false => index += 1,
            }
        }
        self.probe()?;
        let mut arrived = Vec::new();
        let mut index = 0;
        while let Some(incoming) = self.incoming.get_mut(index) {
            if is_complete(&self.library, &mut incoming.request)? {
                let packet = Packet::received(self.incoming.remove(index).into_bytes())?;
                arrived.extend(self.assembly.take(packet)?.map(Arc::new));
            } else {
                index += 1;
            }
        }
        Ok(arrived)
    }

    fn is_sending(&self) -> bool {
        !self.outgoing.is_empty()
    }

    fn is_receiving(&self) -> bool {
        !self.incoming.is_empty()
    }

    fn eager_time(&self) -> Duration {
        let outgoing = self.outgoing.iter().map(|message| message.packet.bytes().len());
        let incoming = self.incoming.iter().map(|message| message.length);
        let bytes: usize = outgoing.chain(incoming).sum();
        Duration::from_nanos((bytes as f64 * EAGER_NANOSECONDS_PER_BYTE) as u64)
    }

    fn ends_together(&self) -> bool {
        true
    }

    fn close(&mut self, clean: bool) {
        if clean {
            // SAFETY: MPI has started in this thread, and all messages have arrived.
            let code = unsafe { (self.library.finalize)() };
            // The process ends, and all ranks have what they need.
            let _ = self.library.check("MPI_Finalize", code);
        }
    }

    fn abort(&mut self, status: i32) {
        // SAFETY: MPI has started in this thread.
        unsafe { (self.library.abort)(self.library.world, status) };
    }
}
