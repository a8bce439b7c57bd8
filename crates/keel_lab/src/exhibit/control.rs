//! Controls of an exhibit, each with the knob it sets.

use keel_page::Text;
use keel_page::charts::Scale;
use serde_json::Value;

/// One control. Sliders and choices take their range, their default and their description from the knob.
#[derive(Clone, Debug)]
pub(crate) enum Control {
    /// A number along a line; `scale` spreads it.
    Slider {
        /// The knob it sets.
        knob: &'static str,
        /// Its name.
        label: Text,
        /// Spread of the numbers along the line.
        scale: Scale,
    },
    /// One of a few names.
    Choice {
        /// The knob it sets.
        knob: &'static str,
        /// Its name.
        label: Text,
        /// Words for names that are not shown as they are.
        words: Vec<(&'static str, Text)>,
    },
    /// On or off.
    Switch {
        /// The knob it sets.
        knob: &'static str,
        /// Its name.
        label: Text,
    },
    /// Buttons that set several knobs at once.
    Presets {
        /// Name of the row.
        label: Text,
        /// The buttons.
        presets: Vec<Preset>,
    },
    /// Buttons to play, to go one step and to go back to the start of a whole number that counts steps.
    Play {
        /// The knob that counts.
        knob: &'static str,
        /// Its name.
        label: Text,
        /// Steps of one press.
        step: u64,
    },
    /// A figure in which the reader drags a point. The knobs have sliders as well, for the keyboard.
    Drag {
        /// Number of the figure, from 1.
        figure: usize,
        /// The knob that the horizontal position sets.
        x: Option<&'static str>,
        /// The knob that the vertical position sets.
        y: Option<&'static str>,
    },
    /// A figure in which the reader turns a line about a point: the knob is the angle of the line through that point and the
    /// pointer. It has a slider as well, for the keyboard.
    Turn {
        /// Number of the figure, from 1.
        figure: usize,
        /// The knob: degrees from the vertical, counter-clockwise, between -90 and 90.
        knob: &'static str,
        /// Point of the figure that stays where it is.
        centre: [f64; 2],
    },
}

impl Control {
    /// The knob that buttons play.
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
    /// Words on the button.
    pub(crate) label: Text,
    /// Knobs and their values; the others keep theirs.
    pub(crate) settings: Vec<(&'static str, Value)>,
}
