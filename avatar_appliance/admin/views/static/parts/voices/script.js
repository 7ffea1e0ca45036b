// Half a minute to read aloud, with most sounds of the language in it. Written for this page.
const SCRIPTS = {
  en: `Good morning! The kettle is on, and fresh bread is waiting on the table. Yesterday we walked along the river, \
watched two boys fly a yellow kite, and laughed when the dog jumped into the water. Would you like some tea, or is it \
too early? I usually measure twice, then choose whichever path feels quiet. By the way, the train leaves at a quarter \
past nine, so please bring your thick jacket, the small blue umbrella, and a good joke for the journey.`,
  zh: `早安！水已經燒開了，桌上有剛烤好的麵包。昨天我們沿著河邊散步，看見兩個男孩放一隻黃色的風箏，小狗忽然跳進水裡，大家都笑了。\
你想喝茶，還是覺得太早？我做事喜歡先想兩遍，再選安靜的那條路。對了，火車九點一刻出發，請帶上厚外套、藍色的小雨傘，\
還有一個好笑的故事，路上慢慢說給我聽。`,
};

/** Return what to read in a language; null where there is nothing. */
export const scriptIn = (tag) => SCRIPTS[(tag ?? "").toLowerCase().split("-")[0]] ?? null;
