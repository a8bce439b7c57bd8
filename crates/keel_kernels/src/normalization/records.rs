//! Chunks of a batch whose sums are combined: they depend only on the sizes of the batch, so that sums never depend on the number
//! of threads.

use std::ops::Range;

/// Number of floats of a chunk: small enough for the second-level cache together with its result.
const CHUNK: usize = 16 * 1024;

/// Division of images into bands of rows; each band has one record of floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Records {
    images: usize,
    rows_per_image: usize,
    rows_per_record: usize,
    record: usize,
}

/// Images of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageRows {
    /// Number of images.
    pub images: usize,
    /// Number of rows of each image.
    pub rows: usize,
    /// Number of floats of a row.
    pub row_length: usize,
}

/// Records with their layout.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'a> {
    /// Layout of the records.
    pub layout: Records,
    /// Records, `[records, floats of a record]`.
    pub values: &'a [f32],
}

impl Records {
    /// Divides images into bands, with records of `record` floats.
    ///
    /// # Panics
    /// If images have no rows, or rows no floats.
    pub fn per_image(batch: ImageRows, record: usize) -> Self {
        let ImageRows { images, rows, row_length } = batch;
        assert!(rows > 0 && row_length > 0, "a size of 0 in {batch:?}");
        let rows_per_record = (CHUNK / row_length).clamp(1, rows);
        Records { images, rows_per_image: rows, rows_per_record, record }
    }

    /// Divides `[rows, channels]` that is not an image into chunks.
    ///
    /// # Panics
    /// If there are no channels.
    pub fn of_rows(rows: usize, channels: usize, record: usize) -> Self {
        assert!(channels > 0, "{rows} rows without channels");
        let rows_per_record = (CHUNK / channels).max(1).next_multiple_of(32);
        Records { images: 1, rows_per_image: rows, rows_per_record, record }
    }

    /// Returns the number of records of one image.
    pub fn count_per_image(&self) -> usize {
        self.rows_per_image.div_ceil(self.rows_per_record)
    }

    /// Returns the number of records of all images.
    pub fn count(&self) -> usize {
        self.images * self.count_per_image()
    }

    /// Returns the number of floats of all records.
    pub fn length(&self) -> usize {
        self.count() * self.record
    }

    /// Returns the number of rows of all images.
    pub fn total_rows(&self) -> usize {
        self.images * self.rows_per_image
    }

    /// Returns the image that record `index` belongs to, and its rows there.
    pub fn rows(&self, index: usize) -> (usize, Range<usize>) {
        let (image, part) = (index / self.count_per_image(), index % self.count_per_image());
        let start = part * self.rows_per_record;
        (image, start..(start + self.rows_per_record).min(self.rows_per_image))
    }

    /// Returns the range of the floats of record `index`.
    pub fn floats(&self, index: usize) -> Range<usize> {
        index * self.record..(index + 1) * self.record
    }

    /// Returns the records of one image.
    pub fn of_image(&self, image: usize) -> Range<usize> {
        image * self.count_per_image()..(image + 1) * self.count_per_image()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_cover_every_row_of_every_image_once() {
        for (images, rows, row_length) in [(1, 1, 1), (3, 7, 5000), (2, 33, 16 * 1024), (5, 4, 1), (2, 1000, 64)] {
            let records = Records::per_image(ImageRows { images, rows, row_length }, 6);
            let mut seen = vec![0; images * rows];
            for index in 0..records.count() {
                let (image, range) = records.rows(index);
                assert!(records.of_image(image).contains(&index));
                range.for_each(|row| seen[image * rows + row] += 1);
            }
            assert!(seen.iter().all(|&count| count == 1), "{images} x {rows}: {seen:?}");
            assert_eq!(records.floats(records.count() - 1).end, records.length());
        }
    }
}
