//! Data distributed over ranks: each rank reads its part and fetches other rows on demand.

use std::sync::Arc;

use keel_data::{DataError, LentRows, Peers, RowRequest};
use keel_ranks::{Question, RankError, Shelf};

use super::ranks::Ranks;

/// Serves rows to other ranks.
struct RowShelf(LentRows);

impl Shelf for RowShelf {
    fn answer(&self, question: &[u8]) -> Vec<u8> {
        self.0.answer(question)
    }
}

impl Peers for Ranks {
    fn rank(&self) -> usize {
        self.share().rank
    }

    fn size(&self) -> usize {
        self.share().size
    }

    fn gather(&self, own: &[u8]) -> Result<Vec<Vec<u8>>, DataError> {
        Ranks::gather(self, own).map_err(|error| DataError::Peers { what: error.to_string() })
    }

    fn lend(&self, rows: LentRows) -> Result<(), DataError> {
        self.communicator().serve(Arc::new(RowShelf(rows))).map_err(|error| lost(&error))
    }

    /// An error does not end the communication: a loader also fetches batches that no step will use.
    fn fetch(&self, requests: Vec<RowRequest>) -> Result<Vec<Vec<u8>>, DataError> {
        let question = |RowRequest { rank, bytes }| Question { rank, bytes };
        self.communicator().ask(requests.into_iter().map(question).collect()).map_err(|error| lost(&error))
    }
}

fn lost(error: &RankError) -> DataError {
    DataError::Peers { what: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use keel_data::{
        Augmenter, BatchOptions, BatchSource, Batches, DataConfig, Dataset, Inputs, Position, Preprocessor, Share,
        SplitDataset, TrainingRanges,
    };
    use keel_ranks::Threads;

    use super::*;
    use crate::config;

    /// Runs `work` on `count` ranks; none ends before all have finished.
    fn on_ranks<T: Send>(count: usize, work: impl Fn(&Arc<dyn Peers>) -> T + Sync) -> Vec<T> {
        let run = |communicator: Threads| {
            let peers: Arc<dyn Peers> = Arc::new(Ranks::new(Arc::new(communicator)));
            let done = work(&peers);
            peers.gather(&[]).unwrap();
            done
        };
        std::thread::scope(|scope| {
            let ranks: Vec<_> = Threads::group(count).into_iter().map(|rank| scope.spawn(|| run(rank))).collect();
            ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
        })
    }

    /// Pseudo-random number below `end`, derived from `a` and `b`.
    fn mixed(a: usize, b: usize, end: usize) -> usize {
        ((a as u32).wrapping_mul(2_654_435_761) ^ (b as u32).wrapping_mul(40_503)) as usize / 7 % end
    }

    /// Three classes of 9x8 colour images; one file cannot be decoded and the last two are copies of earlier ones.
    fn images(folder: &Path) -> DataConfig {
        let folder = folder.join("images");
        for number in 0..61 {
            let class = folder.join(["a", "b", "c"][number % 3]);
            std::fs::create_dir_all(&class).unwrap();
            let shown = if number >= 59 { number - 59 } else { number };
            let pixels = (0..9 * 8 * 3).map(|place| mixed(shown, place, 256) as u8);
            let bytes: Vec<u8> = b"P6\n9 8\n255\n".iter().copied().chain(pixels).collect();
            let bytes = if number == 31 { b"P6\n9 8\n255\nshort".to_vec() } else { bytes };
            std::fs::write(class.join(format!("{number:03}.ppm")), bytes).unwrap();
        }
        DataConfig { skip_unreadable: true, ..source(folder) }
    }

    /// A table with missing cells, categories, a column of row numbers and repeated rows.
    fn table(folder: &Path) -> DataConfig {
        let mut text = String::from("size,kind,weight,code,y\n");
        for row in 0..700 {
            let shown = if row >= 680 { row - 680 } else { row };
            let size = if shown % 11 == 3 { String::new() } else { format!("{}.{shown:03}", mixed(shown, 1, 900)) };
            let kind = ["red", "green", "blue"][mixed(shown, 2, 3)];
            let weight = mixed(shown, 3, 10_000) as f64 / 13.0;
            text.push_str(&format!("{size},{kind},{weight},{},{}\n", 10_000 + shown * 7, mixed(shown, 4, 2)));
        }
        let path = folder.join("table.csv");
        std::fs::write(&path, text).unwrap();
        DataConfig { target: "y".to_owned(), ..source(path) }
    }

    fn source(path: PathBuf) -> DataConfig {
        DataConfig::of_source(path.display().to_string())
    }

    fn load(config: &DataConfig, peers: Option<&Arc<dyn Peers>>) -> Result<Dataset, DataError> {
        match peers {
            None => keel_data::load(config, Path::new("")),
            Some(peers) => keel_data::load_shared(config, Path::new(""), peers),
        }
    }

    /// Everything that training uses of the data, as text: floats with all their digits.
    fn facts(config: &DataConfig, peers: Option<&Arc<dyn Peers>>) -> Vec<String> {
        let data = load(config, peers).unwrap().split(config.split()).unwrap();
        let dataset = &data.dataset;
        let is_image = dataset.sample_shape().is_image();
        let mut facts = vec![
            format!("{} {} {}", data.fingerprint(), dataset.samples(), dataset.name()),
            format!("{:?} {:?} {:?}", data.train, data.validation, data.test),
            format!("{:?} {:?} {:?}", dataset.targets(), dataset.value_range(), dataset.notes()),
            (0..dataset.samples()).map(|sample| dataset.provenance().describe(sample)).collect(),
            format!("{:?}", TrainingRanges::of(dataset, &data.train).unwrap()),
        ];
        let mut row = vec![0.0; dataset.sample_shape().len()];
        for sample in 0..dataset.samples() {
            dataset.copy_sample(sample, &mut row).unwrap();
            facts.push(format!("{row:?}"));
        }
        let steps: &[&str] = match is_image {
            true => &[
                "[\"channel_standardize\"]",
                "[\"center\", \"zca\"]",
                "[\"min_max\"]",
                "[\"mean_image\", {type=\"pca\", components=5}]",
            ],
            false => &[
                "[\"robust_scale\", \"soft_clip\"]",
                "[\"clip\", \"standardize\"]",
                "[\"whiten\"]",
                "[\"piecewise_linear\"]",
            ],
        };
        facts.extend(steps.iter().flat_map(|steps| prepared(&data, steps, peers)));
        // Only the first rank computes these, while the others do something else.
        let first = peers.is_none_or(|peers| peers.rank() == 0);
        if first {
            facts.push(format!("{:?} {:?}", data.duplicates().unwrap(), data.duplicate_notes().unwrap()));
            facts.push(format!("{:?}", data.survey_columns().unwrap()));
            let part = dataset.selected(&[5, 0, dataset.samples() - 1]).unwrap();
            facts.push(format!("{:?} {:?}", part.inputs(), part.targets()));
        }
        facts
    }

    /// Returns the fitted `steps`, their statistics, and the batches of two epochs.
    fn prepared(data: &SplitDataset, steps: &str, peers: Option<&Arc<dyn Peers>>) -> Vec<String> {
        let dataset = &data.dataset;
        let mut settings = vec![format!("preprocess.steps={steps}")];
        if dataset.sample_shape().is_image() {
            settings.extend(["augment.flip=true", "augment.crop_padding=2"].map(str::to_owned));
            let colored = dataset.sample_shape().channels() == 3;
            settings.extend(colored.then(|| "augment.color_pca=0.1".to_owned()));
        }
        let config = config::load(None, &settings).unwrap_or_else(|error| panic!("{error}"));
        let steps = config.preprocess.resolved_steps();
        let preprocessor = Arc::new(Preprocessor::fit(dataset, &data.train, &steps).unwrap());
        let augmenter = Arc::new(Augmenter::fit(dataset, &data.train, &config.augment).unwrap());
        let mut facts = vec![format!("{:?}", preprocessor.steps())];
        facts.push(format!("{:?}", preprocessor.statistics(dataset, &data.train).unwrap()));
        let options = BatchOptions::shuffled(17, 3);
        let source = BatchSource::new(Arc::clone(dataset), &data.train, preprocessor, options).unwrap();
        let source = source.with_augmentation(augmenter);
        for epoch in 0..2 {
            let mut batches = Batches::new(source.clone(), Position { epoch, step: 0 });
            while let Some(batch) = batches.next() {
                facts.push(format!("{:?}", batch.unwrap()));
            }
        }
        // Shares of batches, concatenated, equal the whole batches.
        if let Some(peers) = peers {
            let share = Share { rank: peers.rank(), size: peers.size() };
            let mut own = Batches::new(source.clone().with_share(share), Position::default());
            let mut whole = Batches::new(source, Position::default());
            while let (Some(own), Some(whole)) = (own.next(), whole.next()) {
                let (own, whole) = (own.unwrap(), whole.unwrap());
                let length = whole.inputs.len() / whole.samples();
                let start = if own.stands_in() { 0 } else { own.first_sample() };
                assert_eq!(own.inputs, whole.inputs[start * length..(start + own.samples()) * length]);
            }
        }
        facts
    }

    #[test]
    fn data_that_ranks_hold_together_are_those_that_one_holds() {
        let folder = tempfile::tempdir().unwrap();
        for config in [images(folder.path()), table(folder.path()), DataConfig::of_source("digits")] {
            let expected = facts(&config, None);
            assert!(expected.len() > 80, "{}", expected.len());
            for ranks in 1..=4 {
                for (rank, facts) in on_ranks(ranks, |peers| facts(&config, Some(peers))).into_iter().enumerate() {
                    let expected = &expected[..facts.len()];
                    let place = facts.iter().zip(expected).position(|(fact, expected)| fact != expected);
                    let place = place.map(|place| (&facts[place], &expected[place]));
                    assert_eq!(place, None, "{}: rank {rank} of {ranks}", config.source);
                    assert!(rank > 0 || facts.len() == expected.len());
                }
            }
        }
    }

    #[test]
    fn every_rank_keeps_its_part_alone() {
        let folder = tempfile::tempdir().unwrap();
        for config in [images(folder.path()), table(folder.path())] {
            let whole = load(&config, None).unwrap();
            let length = |dataset: &Dataset| match dataset.inputs() {
                Inputs::Bytes(values) => values.len(),
                Inputs::Floats(values) => values.len(),
            };
            for ranks in 2..=4 {
                let parts = on_ranks(ranks, |peers| {
                    let own = load(&config, Some(peers)).unwrap();
                    assert!(own.is_shared() && own.is_reported_here() == (peers.rank() == 0));
                    length(&own)
                });
                assert_eq!(parts.iter().sum::<usize>(), length(&whole), "{parts:?}");
                // Files are distributed before it is known which of them cannot be decoded.
                let largest = (whole.samples().div_ceil(ranks) + 1) * whole.sample_shape().len();
                assert!(parts.iter().all(|part| *part <= largest), "{parts:?} of {}", length(&whole));
            }
        }
    }

    #[test]
    fn a_file_that_one_rank_cannot_decode_stops_all_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let config = DataConfig { skip_unreadable: false, ..images(folder.path()) };
        let expected = load(&config, None).unwrap_err().to_string();
        assert!(expected.contains("031.ppm"), "{expected}");
        for message in on_ranks(3, |peers| load(&config, Some(peers)).unwrap_err().to_string()) {
            assert_eq!(message, expected);
        }
    }

    #[test]
    fn ranks_with_other_files_are_refused() {
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let configs = [table(folders[0].path()), table(folders[1].path())];
        let path = folders[1].path().join("table.csv");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, text.replacen("red", "blue", 1)).unwrap();
        for message in on_ranks(2, |peers| load(&configs[peers.rank()], Some(peers)).unwrap_err().to_string()) {
            assert!(message.starts_with("rank 1 differs from rank 0: its data has the fingerprint"), "{message}");
        }
        let configs = [images(folders[0].path()), images(folders[1].path())];
        std::fs::remove_file(folders[1].path().join("images/a/003.ppm")).unwrap();
        for message in on_ranks(2, |peers| load(&configs[peers.rank()], Some(peers)).unwrap_err().to_string()) {
            assert!(message.starts_with("rank 1 differs from rank 0: its list of image files"), "{message}");
        }
    }

    #[test]
    fn rows_that_are_not_here_are_not_given() {
        let (sent, lent) = std::sync::mpsc::channel();
        let peers = Lending(std::sync::Mutex::new(sent));
        let config = DataConfig::of_source("digits");
        load(&config, Some(&(Arc::new(peers) as Arc<dyn Peers>))).unwrap();
        let rows = lent.recv().unwrap();
        assert_eq!(rows.answer(&0u64.to_le_bytes()).len(), 64);
        assert_eq!(rows.answer(&[]), [0; 0]);
        for row in [899, 1_797, u64::MAX, u64::MAX / 64] {
            let question = [0u64.to_le_bytes(), row.to_le_bytes()].concat();
            assert_eq!(rows.answer(&question), [0; 0], "{row}");
        }
    }

    /// The first of two ranks, the other of which sends the same bytes; passes on the rows that are lent.
    #[derive(Debug)]
    struct Lending(std::sync::Mutex<std::sync::mpsc::Sender<LentRows>>);

    impl Peers for Lending {
        fn rank(&self) -> usize {
            0
        }

        fn size(&self) -> usize {
            2
        }

        fn gather(&self, own: &[u8]) -> Result<Vec<Vec<u8>>, DataError> {
            Ok(vec![own.to_vec(), own.to_vec()])
        }

        fn lend(&self, rows: LentRows) -> Result<(), DataError> {
            self.0.lock().unwrap().send(rows).unwrap();
            Ok(())
        }

        fn fetch(&self, _requests: Vec<RowRequest>) -> Result<Vec<Vec<u8>>, DataError> {
            Err(DataError::Peers { what: "the other process does not exist".to_owned() })
        }
    }
}
