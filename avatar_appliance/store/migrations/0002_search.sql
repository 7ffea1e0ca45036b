-- Full-text search over what was said. The trigram tokenizer needs no word boundaries, so Chinese works as English
-- does. The index points into `turns` (external content) and triggers keep it in step.

CREATE VIRTUAL TABLE turns_search USING fts5 (
    transcript, answer, content = 'turns', content_rowid = 'seq', tokenize = 'trigram'
);

INSERT INTO turns_search (turns_search) VALUES ('rebuild');

CREATE TRIGGER turns_search_insert AFTER INSERT ON turns BEGIN
    INSERT INTO turns_search (rowid, transcript, answer) VALUES (new.seq, new.transcript, new.answer);
END;

CREATE TRIGGER turns_search_delete AFTER DELETE ON turns BEGIN
    INSERT INTO turns_search (turns_search, rowid, transcript, answer)
    VALUES ('delete', old.seq, old.transcript, old.answer);
END;

CREATE TRIGGER turns_search_update AFTER UPDATE OF transcript, answer ON turns
WHEN old.transcript IS NOT new.transcript OR old.answer IS NOT new.answer BEGIN
    INSERT INTO turns_search (turns_search, rowid, transcript, answer)
    VALUES ('delete', old.seq, old.transcript, old.answer);
    INSERT INTO turns_search (rowid, transcript, answer) VALUES (new.seq, new.transcript, new.answer);
END;
