// What ids of Home Assistant, and of this box, are called.

const KINDS = /^(assist_satellite|media_player)\./;

/** Return a satellite's name as people know it; Home Assistant's id says little more. */
export const satelliteName = (id) => id.replace(KINDS, "").replaceAll("_", " ");

/** Return the name of whoever spoke: that of the voice profile, where there (still) is one. */
export const speakerName = (id, people) => people.get(id) ?? id;
