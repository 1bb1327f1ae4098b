//! Resource numbers: the type in the high bits, so that a number tells its type and the resources of
//! one type lie together.

use fhir::ResourceType;

const SHIFT: u32 = 40;

/// The least number of a type (never given to a resource).
pub(crate) fn first_of(kind: ResourceType) -> i64 {
    i64::from(kind.number()) << SHIFT
}

/// The number after the last one of a type.
pub(crate) fn end_of(kind: ResourceType) -> i64 {
    (i64::from(kind.number()) + 1) << SHIFT
}

pub(crate) fn kind_number(rid: i64) -> i64 {
    rid >> SHIFT
}

pub(crate) fn kind_of(rid: i64) -> Option<ResourceType> {
    u8::try_from(rid >> SHIFT).ok().and_then(ResourceType::from_number)
}
