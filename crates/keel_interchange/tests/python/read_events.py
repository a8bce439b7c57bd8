"""Reads the event files of a folder with the tensorboard package and prints what they hold as JSON."""

import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2


def main():
    events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "histograms": 0, "images": 0, "tensors": 0})
    events.Reload()
    tags = events.Tags()
    start = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    settings = plugin_data_pb2.HParamsPluginData.FromString(start).session_start_info.hparams
    end = events.summary_metadata["_hparams_/session_end_info"].plugin_data.content
    print(json.dumps({
        "scalars": {tag: [[event.step, event.value] for event in events.Scalars(tag)] for tag in tags["scalars"]},
        "histograms": {tag: [event.histogram_value.num for event in events.Histograms(tag)] for tag in tags["histograms"]},
        "images": {tag: [[event.width, event.height] for event in events.Images(tag)] for tag in tags["images"]},
        "texts": {tag: [event.tensor_proto.string_val[0].decode() for event in events.Tensors(tag)]
                  for tag in tags["tensors"] if tag.startswith("findings/")},
        "settings": {name: value.number_value or value.string_value or value.bool_value for name, value in settings.items()},
        "status": plugin_data_pb2.HParamsPluginData.FromString(end).session_end_info.status,
    }))


main()
