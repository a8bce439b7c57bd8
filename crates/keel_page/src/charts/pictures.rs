//! Small images side by side, as PNG inside the page.

use maud::{Markup, html};

use super::png;
use crate::interval::Interval;
use crate::language::{Language, Text};

/// A row of images of one shape.
#[derive(Clone, Debug)]
pub struct Pictures {
    title: Text,
    height: usize,
    width: usize,
    images: Vec<String>,
    /// Description of each image; may be shorter than the list of images.
    contents: Vec<String>,
}

impl Pictures {
    /// Creates a row of images of `size`, which is height, width and channels, one after another in `values`; the ends
    /// of `range` map to black and white. Only the first channel is shown unless there are three.
    pub fn new(title: impl Into<Text>, values: &[f32], size: [usize; 3], range: Interval<f32>) -> Self {
        let [height, width, channels] = size;
        let positions = height * width;
        let Interval { low, high } = range;
        let byte = |value: f32| (255.0 * (value - low) / (high - low).max(f32::MIN_POSITIVE)).round() as u8;
        let image = |values: &[f32]| {
            let pixel = |pixel: usize| {
                let start = pixel * channels;
                let at = |color: usize| byte(values[start + if channels == 3 { color } else { 0 }]);
                [at(0), at(1), at(2)]
            };
            let pixels: Vec<u8> = (0..positions).flat_map(pixel).collect();
            png(&pixels, width, height)
        };
        let images = values.chunks_exact(positions * channels).map(image).collect();
        Pictures { title: title.into(), height, width, images, contents: Vec::new() }
    }

    /// Sets the description of each image.
    pub fn showing(mut self, contents: Vec<String>) -> Self {
        self.contents = contents;
        self
    }

    /// Renders all images in a row, enlarged without smoothing.
    pub fn html(&self, language: Language) -> Markup {
        let title = self.title.get(language);
        let content = |index: usize| self.contents.get(index).cloned().unwrap_or_else(|| (index + 1).to_string());
        html! {
            div class="pictures" {
                @for (index, file) in self.images.iter().enumerate() {
                    @let content = content(index);
                    img src={ "data:image/png;base64," (file) } width=(self.width) height=(self.height)
                        alt={ (title) ": " (content) } title=(content);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_image_is_one_picture() {
        let pictures = Pictures::new("digits", &[0.5; 12], [2, 3, 1], Interval { low: 0.0, high: 1.0 });
        let html = pictures.showing(vec!["a seven".to_owned()]).html(Language::English).into_string();
        assert_eq!(html.matches("<img").count(), 2);
        assert!(
            html.contains("width=\"3\" height=\"2\" alt=\"digits: a seven\"") && html.contains("alt=\"digits: 2\"")
        );
    }
}
