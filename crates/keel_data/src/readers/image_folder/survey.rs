//! Survey of an image folder from the headers of its files; nothing is decoded and no sample is held.

use super::header::{self, ImageHeader};
use super::listing::{ImageFile, Listing};
use super::shape::Target;
use crate::dataset::{SampleShape, map_shared};
use crate::error::DataError;
use crate::printable::printable;
use crate::readers::Request;
use crate::readers::data_file::ByteLimit;

/// Facts about the images of a source.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageSurvey {
    /// Shape of the samples as they would be read.
    pub sample_shape: SampleShape,
    /// `[height, width]` of each image, after orientation.
    pub sides: Vec<[usize; 2]>,
    /// Number of images of the training, validation and test part; all in the first if there are no parts.
    pub parts: [usize; 3],
    /// Names of the classes with their number of images in the training part.
    pub classes: Vec<(String, usize)>,
    /// Decisions and omissions, one sentence each.
    pub notes: Vec<String>,
}

impl ImageSurvey {
    /// Returns the number of images.
    pub fn samples(&self) -> usize {
        self.sides.len()
    }

    /// Returns the size of all samples in bytes, or `None` on overflow, which no machine could hold.
    pub fn bytes(&self) -> Option<usize> {
        self.sample_shape.len().checked_mul(self.samples())
    }
}

/// A listing whose files have readable headers.
#[derive(Debug)]
pub(super) struct Surveyed {
    pub(super) listing: Listing,
    pub(super) headers: Vec<ImageHeader>,
}

impl Surveyed {
    /// Reads the headers of the files of `listing` in parallel; each process reads its part. Unreadable files are
    /// dropped from the listing or are an error.
    pub(super) fn of(request: &Request, mut listing: Listing) -> Result<Self, DataError> {
        let limit = ByteLimit::of_image(request.config);
        let read = |file: &ImageFile| header::read_header(&file.path, limit);
        let results = map_shared(request.peers, &listing.files, read)?;
        let headers = listing.keep_readable(request, results)?;
        if request.schema.is_none() {
            listing.drop_empty_classes();
            listing.check_classes(request.path)?;
        }
        Ok(Surveyed { listing, headers })
    }

    /// Summarises the images for a user or a program that decides how to use them.
    pub(super) fn survey(&self, target: &Target) -> ImageSurvey {
        let files = &self.listing.files;
        let in_training =
            |class: usize| files.iter().filter(|file| (file.part, file.class) == (0, class as u32)).count();
        let names = self.listing.class_names.iter().enumerate();
        let notes = [&self.listing.notes, &target.notes, &self.listing.walk.left_out.notes()];
        ImageSurvey {
            sample_shape: target.shape,
            sides: self.headers.iter().map(|header| [header.height, header.width]).collect(),
            parts: [0, 1, 2].map(|part| files.iter().filter(|file| file.part == part).count()),
            classes: names.map(|(class, name)| (name.clone(), in_training(class))).collect(),
            notes: notes.into_iter().flatten().map(|note| printable(note).into_owned()).collect(),
        }
    }
}
