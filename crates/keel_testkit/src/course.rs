//! Reference values of the course: one JSON object per test of its second assignment, by name.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::golden::Tensor;

/// Cases of a `course_conformance.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct CourseConformance {
    cases: serde_json::Map<String, serde_json::Value>,
}

/// Reason why a reference value could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CourseError {
    /// The file is missing or unreadable.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Message of the operating system.
        source: std::io::Error,
    },
    /// The file is not a JSON object.
    #[error("{path} is not a JSON object of cases: {source}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, column and reason.
        source: serde_json::Error,
    },
    /// There is no such case or field.
    #[error("the course's case {case} has no field {field}")]
    Missing {
        /// Name of the case.
        case: String,
        /// Name of the field.
        field: String,
    },
    /// The field is not a (nested) array of numbers with rows of equal length.
    #[error("field {field} of the course's case {case} is not a rectangular array of numbers")]
    NotATensor {
        /// Name of the case.
        case: String,
        /// Name of the field.
        field: String,
    },
}

impl CourseConformance {
    /// Reads a file of cases.
    ///
    /// # Errors
    /// [`CourseError::Unreadable`] or [`CourseError::Malformed`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, CourseError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|source| CourseError::Unreadable { path: path.to_owned(), source })?;
        serde_json::from_str(&text).map_err(|source| CourseError::Malformed { path: path.to_owned(), source })
    }

    /// Returns the names of all cases, in file order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.cases.keys().map(String::as_str)
    }

    /// Returns a field of a case unchanged.
    ///
    /// # Errors
    /// [`CourseError::Missing`].
    pub fn field(&self, case: &str, field: &str) -> Result<&serde_json::Value, CourseError> {
        self.cases
            .get(case)
            .and_then(|fields| fields.get(field))
            .ok_or_else(|| CourseError::Missing { case: case.to_owned(), field: field.to_owned() })
    }

    /// Returns a number of a case.
    ///
    /// # Errors
    /// Fails with [`CourseError::Missing`] if there is no such field or it is not a number.
    pub fn number(&self, case: &str, field: &str) -> Result<f64, CourseError> {
        let value = self.field(case, field)?.as_f64();
        value.ok_or_else(|| CourseError::Missing { case: case.to_owned(), field: field.to_owned() })
    }

    /// Returns a (nested) array of a case in the course's own layout: images are `[batch, channels, height, width]`,
    /// convolution weights `[out_channels, in_channels, kernel_h, kernel_w]`.
    ///
    /// # Errors
    /// [`CourseError::Missing`] or [`CourseError::NotATensor`].
    pub fn tensor(&self, case: &str, field: &str) -> Result<Tensor, CourseError> {
        let value = self.field(case, field)?;
        let mut tensor = Tensor { shape: Vec::new(), values: Vec::new() };
        if collect(value, 0, &mut tensor) && tensor.len() == tensor.values.len() {
            return Ok(tensor);
        }
        Err(CourseError::NotATensor { case: case.to_owned(), field: field.to_owned() })
    }
}

/// Appends the numbers of `value`, recording the length of every dimension at its first row and checking later rows.
fn collect(value: &serde_json::Value, depth: usize, tensor: &mut Tensor) -> bool {
    match value {
        serde_json::Value::Number(number) => {
            tensor.values.push(number.as_f64().unwrap_or(f64::NAN) as f32);
            tensor.shape.len() == depth
        }
        serde_json::Value::Array(rows) => {
            if tensor.shape.len() == depth && tensor.values.is_empty() {
                tensor.shape.push(rows.len());
            }
            tensor.shape.get(depth) == Some(&rows.len()) && rows.iter().all(|row| collect(row, depth + 1, tensor))
        }
        _ => false,
    }
}

/// Moves the channels of `[batch, channels, height, width]` last, as in the layout of this project.
///
/// # Panics
/// Panics if the tensor does not have four dimensions.
pub fn channels_last(tensor: &Tensor) -> Tensor {
    permute(tensor, [0, 2, 3, 1])
}

/// Converts convolution weights `[out_channels, in_channels, kernel_h, kernel_w]` to
/// `[kernel_h, kernel_w, in_channels, out_channels]`.
///
/// # Panics
/// Panics if the tensor does not have four dimensions.
pub fn convolution_weight(tensor: &Tensor) -> Tensor {
    permute(tensor, [2, 3, 1, 0])
}

fn permute(tensor: &Tensor, order: [usize; 4]) -> Tensor {
    let shape: [usize; 4] = tensor.shape.as_slice().try_into().expect("four dimensions");
    let strides = [shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1];
    let [outer, second, third, inner] = order.map(|axis| shape[axis]);
    let step = order.map(|axis| strides[axis]);
    let mut values = Vec::with_capacity(tensor.values.len());
    for a in 0..outer {
        for b in 0..second {
            for c in 0..third {
                let start = a * step[0] + b * step[1] + c * step[2];
                values.extend((0..inner).map(|d| tensor.values[start + d * step[3]]));
            }
        }
    }
    Tensor { shape: vec![outer, second, third, inner], values }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases(text: &str) -> CourseConformance {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn reads_tensors_and_numbers() {
        let course = cases(r#"{"b": {"x": [[1, 2.5, 3], [4, 5, 6]], "loss": 0.5, "scalar_list": [7]}, "a": {}}"#);
        assert_eq!(course.names().collect::<Vec<_>>(), ["b", "a"]);
        let tensor = course.tensor("b", "x").unwrap();
        assert_eq!((tensor.shape, tensor.values), (vec![2, 3], vec![1.0, 2.5, 3.0, 4.0, 5.0, 6.0]));
        assert_eq!(course.number("b", "loss").unwrap(), 0.5);
        assert_eq!(course.tensor("b", "loss").unwrap().shape, Vec::<usize>::new());
        assert!(matches!(course.number("a", "loss"), Err(CourseError::Missing { .. })));
        assert!(matches!(course.tensor("c", "x"), Err(CourseError::Missing { .. })));
    }

    #[test]
    fn refuses_ragged_arrays_and_text() {
        let course = cases(
            r#"{"a": {"ragged": [[1, 2], [3]], "deep": [[1], 2], "flat": [1, [2]], "text": ["x"], "ok": [[1], [2]]}}"#,
        );
        for field in ["ragged", "deep", "flat", "text"] {
            assert!(matches!(course.tensor("a", field), Err(CourseError::NotATensor { .. })), "{field}");
        }
        assert!(course.tensor("a", "ok").is_ok());
    }

    #[test]
    fn layouts_are_converted() {
        let values: Vec<f32> = (0..24).map(|value| value as f32).collect();
        let tensor = Tensor { shape: vec![1, 2, 3, 4], values };
        let moved = channels_last(&tensor);
        assert_eq!(moved.shape, [1, 3, 4, 2]);
        assert_eq!(moved.values[..6], [0.0, 12.0, 1.0, 13.0, 2.0, 14.0]);
        let weight = convolution_weight(&tensor);
        assert_eq!(weight.shape, [3, 4, 2, 1]);
        assert_eq!(weight.values[..4], [0.0, 12.0, 1.0, 13.0]);
    }

    #[test]
    fn reads_the_whole_file_where_it_is_present() {
        let name = "course_conformance.json";
        let Some(path) = crate::shared_data_or_skip(name, "reads_the_whole_file_where_it_is_present") else { return };
        let course = CourseConformance::read(path).unwrap();
        assert_eq!(course.tensor("affine_backward", "dx").unwrap().shape, [10, 2, 3]);
    }
}
