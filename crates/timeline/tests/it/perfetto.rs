//! The Perfetto file, decoded again: every track's slices nest, and the tracks are there.

use std::collections::BTreeMap;

use prost::Message as _;
use timeline::perfetto::{Kind, Trace};
use timeline::testing::conflict;
use timeline::{Bounds, Model, Perfetto, Window, read};

/// Each track's name with its slices (start, end, name), checked for overlap on the way.
fn tracks(bytes: &[u8]) -> BTreeMap<String, Vec<(u64, u64, String)>> {
    let trace = Trace::decode(bytes).unwrap();
    let mut names = BTreeMap::new();
    let mut events = Vec::new();
    let mut texts = BTreeMap::new();
    for packet in trace.packet {
        assert_eq!(packet.trusted_packet_sequence_id, Some(1));
        if let Some(data) = packet.interned_data {
            for text in data.event_names {
                assert!(texts.insert(text.iid.unwrap(), text.text.unwrap()).is_none());
            }
        }
        if let Some(track) = packet.track_descriptor {
            if let Some(parent) = track.parent_uuid {
                assert!(names.contains_key(&parent), "a parent comes first");
            }
            names.insert(track.uuid.unwrap(), track.name.unwrap());
        }
        if let Some(event) = packet.track_event {
            events.push((packet.timestamp.unwrap(), event));
        }
    }
    // As Perfetto reads it: by time, and of equals in the order of the file.
    events.sort_by_key(|(time, _)| *time);
    let mut open: BTreeMap<u64, Vec<(u64, String)>> = BTreeMap::new();
    let mut tracks: BTreeMap<String, Vec<(u64, u64, String)>> = BTreeMap::new();
    for (time, event) in events {
        let uuid = event.track_uuid.unwrap();
        let name = names[&uuid].clone();
        let stack = open.entry(uuid).or_default();
        match Kind::try_from(event.r#type.unwrap()).unwrap() {
            Kind::SliceBegin => {
                assert!(stack.is_empty() || name == "regions", "slices overlap on {name}");
                stack.push((time, texts[&event.name_iid.unwrap()].clone()));
            }
            Kind::SliceEnd => {
                let (start, slice) = stack.pop().expect("an end has its begin");
                assert!(start < time, "{name} {slice}");
                tracks.entry(name).or_default().push((start, time, slice));
            }
            Kind::Instant => {}
            Kind::Unspecified => panic!("an event of no kind"),
        }
    }
    assert!(open.values().all(Vec::is_empty), "every slice ends");
    tracks
}

#[test]
fn the_whole_trace_as_it_comes() {
    let mut out = Vec::new();
    let mut model = Model::new();
    let mut perfetto = Perfetto::new(&mut out, Bounds::All, 1_000_000);
    read(&conflict().finish()[..], &mut model, i64::MAX, &mut perfetto).unwrap();
    perfetto.mark(3, "main.handle", "died");
    let slices = perfetto.finish().unwrap();
    let tracks = tracks(&out);
    assert_eq!(tracks.values().map(Vec::len).sum::<usize>() as u64, slices);
    assert_eq!(
        tracks["goroutine 3 main.handle (died)"][1],
        (4_000_000, 11_000_000, "running".into())
    );
    assert_eq!(tracks["goroutine 5 main.idle"].last().unwrap().2, "chan receive");
    assert!(tracks["processor 1"].iter().any(|s| s.2 == "g4 main.handle"));
    assert_eq!(tracks["regions"].len(), 4);
    assert_eq!(tracks["the world is stopped"][0].2, "GC sweep termination");
}

#[test]
fn a_window_that_cuts_regions() {
    let mut model = Model::new();
    let mut window = Window::new(Bounds::Between(17_500_000, 17_900_000));
    read(&conflict().finish()[..], &mut model, i64::MAX, &mut window).unwrap();
    window.close(model.first().unwrap(), model.last());
    let mut out = Vec::new();
    let mut perfetto = Perfetto::new(&mut out, Bounds::All, 1_000_000);
    perfetto.window(&window, &model.names);
    perfetto.finish().unwrap();
    let tracks = tracks(&out);
    let names: Vec<&str> = tracks["regions"].iter().map(|s| &*s.2).collect();
    assert_eq!(names, ["decode", "parse"], "the inner one ends first");
    for slices in tracks.values() {
        assert!(slices.iter().all(|s| s.0 >= 16_500_000 && s.1 <= 16_900_000), "{slices:?}");
    }
}
