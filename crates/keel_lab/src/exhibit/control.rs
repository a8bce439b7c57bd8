//! Controls of an exhibit, each with the knob it sets.

use keel_page::Text;
use keel_page::charts::Scale;
use serde_json::Value;

/// A control. Sliders and choices take their range, default and description from the knob.
#[derive(Clone, Debug)]
pub(crate) enum Control {
    /// Slider for a number on the given scale.
    Slider {
        /// The knob it sets.
        knob: &'static str,
        /// Label.
        label: Text,
        /// Scale of the slider.
        scale: Scale,
    },
    /// One of a few names.
    Choice {
        /// The knob it sets.
        knob: &'static str,
        /// Label.
        label: Text,
        /// Displayed texts for names that are not shown as they are.
        words: Vec<(&'static str, Text)>,
    },
    /// On or off.
    Switch {
        /// The knob it sets.
        knob: &'static str,
        /// Label.
        label: Text,
    },
    /// Buttons that set several knobs at once.
    Presets {
        /// Label of the row.
        label: Text,
        /// The buttons.
        presets: Vec<Preset>,
    },
    /// Buttons to play, step and reset a whole number that counts steps.
    Play {
        /// Knob that counts the steps.
        knob: &'static str,
        /// Label.
        label: Text,
        /// Number of steps per press.
        step: u64,
    },
    /// A figure in which the reader drags a point. The knobs also have sliders, for the keyboard.
    Drag {
        /// Number of the figure, from 1.
        figure: usize,
        /// Knob set by the horizontal position.
        x: Option<&'static str>,
        /// Knob set by the vertical position.
        y: Option<&'static str>,
    },
    /// A figure in which the reader turns a line about a point: the knob is the angle of the line through that point
    /// and the pointer. It also has a slider, for the keyboard.
    Turn {
        /// Number of the figure, from 1.
        figure: usize,
        /// The knob: degrees from the vertical, counter-clockwise, between -90 and 90.
        knob: &'static str,
        /// Fixed point of the figure.
        centre: [f64; 2],
    },
}

impl Control {
    /// Returns the knob controlled by the play buttons.
    pub(crate) fn played(&self) -> Option<&'static str> {
        match self {
            Control::Play { knob, .. } => Some(knob),
            _ => None,
        }
    }
}

/// A button that sets several knobs.
#[derive(Clone, Debug)]
pub(crate) struct Preset {
    /// Label of the button.
    pub(crate) label: Text,
    /// Knobs and their values; other knobs keep theirs.
    pub(crate) settings: Vec<(&'static str, Value)>,
}
