//! Functions and handles of an MPI library.
//!
//! Open MPI and MPICH (with Intel MPI, MVAPICH and others with the same binary interface) pass handles in different types: 64-bit
//! addresses and 32-bit integers. A `usize` holds both: in the calling conventions of 64-bit systems, a function that takes 32 bits
//! reads the low half of it. The interface that MPI 5 standardises has handles of its own and is not among the candidates;
//! libraries that offer it also come in one of these two.

use std::ffi::{c_char, c_int, c_void};

use libloading::Library as Shared;

use crate::error::RankError;
use crate::variables::LIBRARY_VARIABLE;

/// File names of the library: Open MPI, MPICH (original and Debian), the default, macOS.
const CANDIDATES: [&str; 5] = ["libmpi.so.40", "libmpi.so.12", "libmpich.so.12", "libmpi.so", "libmpi.dylib"];

/// Version of the binary interface of MPICH, the suffix of its symbols.
const MPICH: &str = ".12";

/// Maximum length of a text of any library, in bytes.
const TEXT_BYTES: usize = 8192;

/// An `MPI_Status`: larger than that of any library and sufficiently aligned.
pub(super) type Status = [u64; 32];
/// An `MPI_Comm`, `MPI_Datatype`, `MPI_Errhandler`, `MPI_Request` or `MPI_Message`.
pub(super) type Handle = usize;

type InitThread = unsafe extern "C" fn(*mut c_int, *mut *mut *mut c_char, c_int, *mut c_int) -> c_int;
type Text = unsafe extern "C" fn(*mut c_char, *mut c_int) -> c_int;
type ErrorText = unsafe extern "C" fn(c_int, *mut c_char, *mut c_int) -> c_int;
type OfCommunicator = unsafe extern "C" fn(Handle, *mut c_int) -> c_int;
type SetErrorHandler = unsafe extern "C" fn(Handle, Handle) -> c_int;
type Isend = unsafe extern "C" fn(*const c_void, c_int, Handle, c_int, c_int, Handle, *mut Handle) -> c_int;
type Improbe = unsafe extern "C" fn(c_int, c_int, Handle, *mut c_int, *mut Handle, *mut Status) -> c_int;
type GetCount = unsafe extern "C" fn(*const Status, Handle, *mut c_int) -> c_int;
type Imrecv = unsafe extern "C" fn(*mut c_void, c_int, Handle, *mut Handle, *mut Handle) -> c_int;
type Test = unsafe extern "C" fn(*mut Handle, *mut c_int, *mut Status) -> c_int;
type Abort = unsafe extern "C" fn(Handle, c_int) -> c_int;
type Finalize = unsafe extern "C" fn() -> c_int;

/// An MPI library that stays in memory: MPI's own threads and handlers may outlive its use.
pub(super) struct Library {
    pub(super) world: Handle,
    pub(super) byte: Handle,
    pub(super) errors_return: Handle,
    /// `MPI_ANY_SOURCE`.
    pub(super) any_source: c_int,
    pub(super) init_thread: InitThread,
    pub(super) comm_rank: OfCommunicator,
    pub(super) comm_size: OfCommunicator,
    pub(super) set_error_handler: SetErrorHandler,
    pub(super) isend: Isend,
    pub(super) improbe: Improbe,
    pub(super) get_count: GetCount,
    pub(super) imrecv: Imrecv,
    pub(super) test: Test,
    pub(super) abort: Abort,
    pub(super) finalize: Finalize,
    library_version: Text,
    error_string: ErrorText,
}

impl Library {
    /// Opens the library that [`LIBRARY_VARIABLE`] names, or the first candidate that exists, MPICH before Open MPI if the launcher
    /// is one of MPICH; finally the one that belongs to the `mpirun` of the search path.
    ///
    /// # Errors
    /// [`RankError::Library`] with the reason of each failure.
    pub(super) fn open(mpich_first: bool) -> Result<Self, RankError> {
        if cfg!(not(target_pointer_width = "64")) {
            return Err(RankError::Library { what: "MPI is supported on 64-bit systems".to_owned() });
        }
        let named = std::env::var(LIBRARY_VARIABLE).ok().filter(|name| !name.is_empty());
        let mut candidates = CANDIDATES.map(str::to_owned).to_vec();
        candidates.sort_by_key(|name| mpich_first && !name.ends_with(MPICH));
        candidates.extend(of_mpirun());
        let candidates = named.map_or(candidates, |name| vec![name]);
        let mut failures = Vec::new();
        for name in candidates {
            match shared(&name).map_err(|error| error.to_string()).and_then(|shared| Self::of(&name, shared)) {
                Ok(library) => return Ok(library),
                Err(reason) => failures.push(format!("{name}: {reason}")),
            }
        }
        Err(RankError::Library { what: format!("tried {}", failures.join("; ")) })
    }

    /// Loads functions and handles from a library; the error describes what is wrong with it.
    fn of(name: &str, shared: Shared) -> Result<Self, String> {
        // Never unloaded, so that functions stay valid.
        let shared: &'static Shared = Box::leak(Box::new(shared));
        let missing = |error: libloading::Error| format!("{name} lacks a function of MPI 3 ({error})");
        macro_rules! function {
            ($name:literal) => {
                // SAFETY: the field's type is the function's signature in the MPI standard, with handles as described in the module
                // documentation.
                *unsafe { shared.get($name) }.map_err(missing)?
            };
        }
        let mut library = Library {
            world: 0,
            byte: 0,
            errors_return: 0,
            any_source: 0,
            init_thread: function!(b"MPI_Init_thread\0"),
            comm_rank: function!(b"MPI_Comm_rank\0"),
            comm_size: function!(b"MPI_Comm_size\0"),
            set_error_handler: function!(b"MPI_Comm_set_errhandler\0"),
            isend: function!(b"MPI_Isend\0"),
            improbe: function!(b"MPI_Improbe\0"),
            get_count: function!(b"MPI_Get_count\0"),
            imrecv: function!(b"MPI_Imrecv\0"),
            test: function!(b"MPI_Test\0"),
            abort: function!(b"MPI_Abort\0"),
            finalize: function!(b"MPI_Finalize\0"),
            library_version: function!(b"MPI_Get_library_version\0"),
            error_string: function!(b"MPI_Error_string\0"),
        };
        let address = |symbol: &[u8]| {
            // SAFETY: the symbol is an object of the library; only its address is taken.
            unsafe { shared.get::<*const c_void>(symbol) }.map(|symbol| *symbol as usize)
        };
        if let (Ok(world), Ok(byte), Ok(errors_return)) =
            (address(b"ompi_mpi_comm_world\0"), address(b"ompi_mpi_byte\0"), address(b"ompi_mpi_errors_return\0"))
        {
            (library.world, library.byte, library.errors_return) = (world, byte, errors_return);
            library.any_source = -1;
            return Ok(library);
        }
        let version = library.version();
        if !["MPICH", "Intel(R) MPI", "MVAPICH", "CRAY MPICH"].iter().any(|known| version.contains(known)) {
            return Err(format!("neither Open MPI nor MPICH: {version}"));
        }
        (library.world, library.byte, library.errors_return) = (0x4400_0000, 0x4c00_010d, 0x5400_0001);
        library.any_source = -2;
        Ok(library)
    }

    /// Returns name and version of the library: the first line of its description, up to a comma.
    pub(super) fn version(&self) -> String {
        // SAFETY: the function may be called at any time and writes fewer bytes than the size of the buffer.
        let text = text(|bytes, length| unsafe { (self.library_version)(bytes, length) });
        let line = text.lines().next().unwrap_or_default();
        line.split(',').next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Converts the return code of the function `call` to a result.
    pub(super) fn check(&self, call: &str, code: c_int) -> Result<(), RankError> {
        if code == 0 {
            return Ok(());
        }
        // SAFETY: the function may be called at any time and writes fewer bytes than the size of the buffer.
        let what = text(|bytes, length| unsafe { (self.error_string)(code, bytes, length) });
        Err(RankError::Mpi { call: call.to_owned(), what: format!("code {code}, {what}") })
    }
}

/// Returns the libraries in the folder `lib` next to the folder of `mpirun`, where package managers other than the system's install them.
fn of_mpirun() -> Vec<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let Some(folder) = std::env::split_paths(&path).find(|folder| folder.join("mpirun").is_file()) else {
        return Vec::new();
    };
    let libraries = ["libmpi.so", "libmpi.dylib"].map(|name| folder.with_file_name("lib").join(name));
    libraries.into_iter().filter(|library| library.is_file()).map(|library| library.display().to_string()).collect()
}

/// Returns a text that `write` writes to a buffer of [`TEXT_BYTES`].
fn text(write: impl FnOnce(*mut c_char, *mut c_int) -> c_int) -> String {
    let mut bytes = vec![0u8; TEXT_BYTES];
    let mut length = 0;
    if write(bytes.as_mut_ptr().cast(), &mut length) != 0 {
        return "no text".to_owned();
    }
    bytes.truncate(usize::try_from(length).unwrap_or(0).min(TEXT_BYTES));
    String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned()
}

/// Opens a shared library whose symbols are visible to its own plug-ins, as Open MPI requires.
#[cfg(unix)]
fn shared(name: &str) -> Result<Shared, libloading::Error> {
    use libloading::os::unix;
    // SAFETY: the library is an MPI library, whose initialisation has no preconditions.
    unsafe { unix::Library::open(Some(name), unix::RTLD_NOW | unix::RTLD_GLOBAL) }.map(Shared::from)
}

/// Opens a shared library.
#[cfg(not(unix))]
fn shared(name: &str) -> Result<Shared, libloading::Error> {
    // SAFETY: the library is an MPI library, whose initialisation has no preconditions.
    unsafe { Shared::new(name) }
}
