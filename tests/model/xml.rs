//! Parses Multi-Status XML, and checks that it is well-formed.

use quick_xml::events::Event;

/// An element of a `<D:response>`: its name with attributes, and its text.
pub(crate) type Element = (String, String);

/// The elements of each `<D:response>` of an envelope.
pub(crate) fn responses(envelope: &[u8]) -> Vec<Vec<Element>> {
    let text = std::str::from_utf8(envelope).expect("UTF-8");
    let start = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
        <D:multistatus xmlns:D=\"DAV:\" xmlns:B=\"urn:tower-multistatus\">";
    assert!(text.starts_with(start) && text.ends_with("</D:multistatus>\n"));
    let is_xml =
        |c| matches!(c, '\t' | '\n' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
    assert!(text.chars().all(is_xml), "{text:?}");
    let mut reader = quick_xml::Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let (mut responses, mut open, mut depth) = (Vec::new(), Vec::<Element>::new(), 0);
    loop {
        let text = match reader.read_event().expect("well-formed") {
            Event::Start(start) => {
                depth += 1;
                if start.name().as_ref() == "D:response" {
                    open.clear();
                } else if depth > 2 {
                    let attributes = start.attributes().map(|attribute| {
                        let attribute = attribute.expect("an attribute");
                        let value = quick_xml::escape::unescape(&attribute.value).expect("escapes");
                        format!(" {}={value}", attribute.key.as_ref())
                    });
                    let name = start.name().as_ref().to_owned() + &attributes.collect::<String>();
                    open.push((name, String::new()));
                }
                continue;
            }
            Event::End(end) => {
                depth -= 1;
                if end.name().as_ref() == "D:response" {
                    responses.push(std::mem::take(&mut open));
                }
                continue;
            }
            Event::Text(text) => text.to_string(),
            Event::GeneralRef(reference) => {
                let reference = format!("&{};", &*reference);
                quick_xml::escape::unescape(&reference)
                    .expect("a reference")
                    .into_owned()
            }
            Event::Decl(_) => continue,
            Event::Eof => return responses,
            other => panic!("{other:?}"),
        };
        if let Some((_, known)) = open.last_mut() {
            known.push_str(&text);
        }
    }
}
