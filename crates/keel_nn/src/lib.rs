//! Layers, graph, memory plan and executor of Evenkeel.
#![forbid(unsafe_code)]
