//! Kinds of data files that no reader reads, recognised by extension or first bytes, and the step that makes them readable.

use super::table::csv;
use super::{data_file, file_name};
use crate::error::DataError;
use std::io::Read;
use std::path::Path;

/// A kind of files that has to be unpacked or converted first.
struct Foreign {
    /// Name of the kind, with its article.
    name: &'static str,
    /// Extensions, in lower case and with their dots.
    endings: &'static [&'static str],
    /// First bytes of its files.
    starts: &'static [&'static [u8]],
    step: Step,
}

/// The step that makes a file readable.
enum Step {
    /// Unpack an archive of files.
    Unpack,
    /// Unpack a single file.
    Decompress,
    /// Convert it with this expression of Python, in which `{}` stands for the path of the file.
    Python(&'static str),
    /// Convert it with the program that wrote it.
    Export,
}

static KINDS: [Foreign; 17] = [
    Foreign {
        name: "an archive",
        endings: &[
            ".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".7z", ".rar",
        ],
        starts: &[b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07"],
        step: Step::Unpack,
    },
    Foreign {
        name: "a compressed file",
        endings: &[".bz2", ".xz", ".zst", ".lz4", ".gz"],
        starts: &[b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\x1f\x8b"],
        step: Step::Decompress,
    },
    Foreign {
        name: "a table of JSON lines, which `predict` reads but `train` does not",
        endings: &[".jsonl", ".ndjson"],
        starts: &[],
        step: Step::Python("pandas.read_json({}, lines=True)"),
    },
    Foreign {
        name: "a JSON file, which `predict` reads but `train` does not",
        endings: &[".json"],
        starts: &[],
        step: Step::Python("pandas.read_json({})"),
    },
    Foreign {
        name: "an ARFF table",
        endings: &[".arff"],
        starts: &[b"@relation", b"@RELATION"],
        step: Step::Python("pandas.DataFrame(scipy.io.arff.loadarff({})[0])"),
    },
    Foreign {
        name: "a table of Arrow or Feather",
        endings: &[".feather", ".arrow"],
        starts: &[b"ARROW1", b"FEA1"],
        step: Step::Python("pandas.read_feather({})"),
    },
    Foreign { name: "an ORC table", endings: &[".orc"], starts: &[b"ORC"], step: Step::Python("pandas.read_orc({})") },
    Foreign { name: "a Stata table", endings: &[".dta"], starts: &[], step: Step::Python("pandas.read_stata({})") },
    Foreign { name: "an SPSS table", endings: &[".sav"], starts: &[], step: Step::Python("pandas.read_spss({})") },
    Foreign {
        name: "a SAS table",
        endings: &[".sas7bdat", ".xpt"],
        starts: &[],
        step: Step::Python("pandas.read_sas({})"),
    },
    Foreign {
        name: "a pickle, which may run code when opened",
        endings: &[".pkl", ".pickle", ".joblib"],
        starts: &[],
        step: Step::Export,
    },
    Foreign {
        name: "an HDF5 file",
        endings: &[".h5", ".hdf5", ".hdf"],
        starts: &[b"\x89HDF\r\n\x1a\n"],
        step: Step::Export,
    },
    Foreign { name: "a MATLAB file", endings: &[".mat"], starts: &[b"MATLAB 5.0"], step: Step::Export },
    Foreign { name: "an R file", endings: &[".rds", ".rda", ".rdata"], starts: &[], step: Step::Export },
    Foreign {
        name: "a database",
        endings: &[".sqlite", ".sqlite3", ".db"],
        starts: &[b"SQLite format 3\0"],
        step: Step::Export,
    },
    Foreign { name: "an Avro file", endings: &[".avro"], starts: &[b"Obj\x01"], step: Step::Export },
    Foreign {
        name: "a file of TensorFlow records",
        endings: &[".tfrecord", ".tfrecords"],
        starts: &[],
        step: Step::Export,
    },
];

/// Number of bytes that decide about a file whose extension does not.
const START: u64 = 16;

/// Returns true if a file is data of a kind that no reader reads. Its first bytes decide if its extension does not.
pub(super) fn is_foreign(path: &Path) -> bool {
    kind_of(path).is_some()
}

/// Returns the error for a file that has to be unpacked or converted first; `None` for other files.
pub(super) fn refusal(path: &Path) -> Option<DataError> {
    let Foreign { name, step, .. } = kind_of(path)?;
    let next = match step {
        Step::Unpack => "Unpack it and give the folder or the file that comes out".to_owned(),
        Step::Decompress => {
            "Unpack it and give the file that comes out (tables may stay packed as .csv.gz or .tsv.gz)".to_owned()
        }
        Step::Python(read) => {
            let file = file_name(path);
            let table = Path::new(&file).with_extension(csv::READER.entry.name).display().to_string();
            let read = read.replace("{}", &format!("{:?}", path.display().to_string()));
            format!("Convert it to CSV, in Python with {read}.to_csv({table:?}, index=False)")
        }
        Step::Export => "Convert it to CSV, Parquet or NPZ with a program that reads it".to_owned(),
    };
    Some(DataError::format(path, format!("it is {name}"), next))
}

fn kind_of(path: &Path) -> Option<&'static Foreign> {
    let name = file_name(path).to_lowercase();
    let by_name = KINDS.iter().find(|kind| kind.endings.iter().any(|ending| name.ends_with(ending)));
    if by_name.is_some() || name.ends_with(".toml") || !path.is_file() {
        return by_name;
    }
    let mut start = Vec::new();
    let (file, _) = data_file::open(path).ok()?;
    file.take(START).read_to_end(&mut start).ok()?;
    KINDS.iter().find(|kind| kind.starts.iter().any(|known| start.starts_with(known)))
}

#[cfg(test)]
mod tests {
    use crate::config::DataConfig;
    use crate::load::load;
    use crate::readers::is_data_file;

    #[test]
    fn files_that_are_not_read_are_named_with_the_step_that_makes_them_readable() {
        let cases: [(&str, &[u8], &str, &str); 12] = [
            ("photos.zip", b"", "it is an archive. Unpack it and give the folder", ""),
            ("photos.TAR.GZ", b"", "it is an archive", ""),
            ("photos", b"PK\x03\x04", "it is an archive", ""),
            ("rows.bz2", b"", "it is a compressed file. Unpack it", ".csv.gz"),
            ("rows.gz", b"", "it is a compressed file", ""),
            (
                "rows.jsonl",
                b"{}",
                "it is a table of JSON lines",
                "rows.jsonl\", lines=True).to_csv(\"rows.csv\", index=False)",
            ),
            ("rows.json", b"[]", "it is a JSON file", "pandas.read_json("),
            ("rows.arff", b"", "it is an ARFF table", "scipy.io.arff.loadarff("),
            ("rows", b"@RELATION iris", "it is an ARFF table", ""),
            ("rows.pkl", b"", "it is a pickle, which may run code", "to CSV, Parquet or NPZ"),
            ("rows.dat", b"\x01\x00\x02\x00", "the format is not recognised", "data.format"),
            ("rows.feather", b"", "it is a table of Arrow", "pandas.read_feather("),
        ];
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes, what, next) in cases {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            assert!(is_data_file(&path), "{name}");
            let message = load(&DataConfig::of_source(name), folder.path()).unwrap_err().to_string();
            assert!(message.contains(name) && message.contains(what) && message.contains(next), "{message}");
            std::fs::remove_file(path).unwrap();
        }
        for (name, text) in
            [("rows.dat", "a;b;c\n1;2;x\n2;3;y\n3;4;x\n"), ("rows.TAB", "a\tb\tc\n1\t2\tx\n2\t3\ty\n3\t4\tx\n")]
        {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            assert!(is_data_file(&path), "{name}");
            assert_eq!(load(&DataConfig::of_source(name), folder.path()).unwrap().samples(), 3, "{name}");
            std::fs::remove_file(path).unwrap();
        }
        std::fs::write(folder.path().join("photos.zip"), b"").unwrap();
        let message = load(&DataConfig::of_source("."), folder.path()).unwrap_err().to_string();
        assert!(message.contains("photos.zip: it is an archive"), "{message}");
        for (name, text) in [("a.toml", "PK\x03\x04"), ("b.conf", "[data]\n"), ("c", "epochs = 3\n")] {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            assert!(!is_data_file(&path), "{name}");
        }
    }
}
