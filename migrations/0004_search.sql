CREATE VIRTUAL TABLE `request_texts` USING fts5(prompt, negative_prompt, characters, facets, content='', contentless_delete=1, tokenize='ascii');
--> statement-breakpoint
INSERT INTO `search_docs` (`request_id`) SELECT `request_id` FROM `requests` ORDER BY `created_at`, `request_id`;
--> statement-breakpoint
INSERT INTO `request_texts` (rowid, prompt, negative_prompt, characters, facets)
SELECT d.doc, search_words(r.prompt), search_words(r.negative_prompt), search_characters(r.prompt, r.negative_prompt),
  search_facets(r.collection, r.tags, r.batch_id, r.model, r.aspect_ratio, r.n, r.seed, r.steps, r.guidance_scale)
FROM `search_docs` d JOIN `requests` r ON r.request_id = d.request_id ORDER BY d.doc;
--> statement-breakpoint
CREATE TRIGGER `requests_search_insert` AFTER INSERT ON `requests` BEGIN
  INSERT INTO `search_docs` (`request_id`) VALUES (new.request_id);
  INSERT INTO `request_texts` (rowid, prompt, negative_prompt, characters, facets)
  VALUES (last_insert_rowid(), search_words(new.prompt), search_words(new.negative_prompt),
    search_characters(new.prompt, new.negative_prompt),
    search_facets(new.collection, new.tags, new.batch_id, new.model, new.aspect_ratio, new.n, new.seed, new.steps, new.guidance_scale));
END;
--> statement-breakpoint
CREATE TRIGGER `requests_search_update` AFTER UPDATE OF `collection`, `tags`, `batch_id` ON `requests`
WHEN old.collection IS NOT new.collection OR old.tags IS NOT new.tags OR old.batch_id IS NOT new.batch_id BEGIN
  UPDATE `request_texts` SET prompt = search_words(new.prompt), negative_prompt = search_words(new.negative_prompt),
    characters = search_characters(new.prompt, new.negative_prompt),
    facets = search_facets(new.collection, new.tags, new.batch_id, new.model, new.aspect_ratio, new.n, new.seed, new.steps, new.guidance_scale)
  WHERE rowid = (SELECT doc FROM `search_docs` WHERE request_id = new.request_id);
END;
--> statement-breakpoint
CREATE TRIGGER `requests_search_delete` AFTER DELETE ON `requests` BEGIN
  DELETE FROM `request_texts` WHERE rowid = (SELECT doc FROM `search_docs` WHERE request_id = old.request_id);
  DELETE FROM `search_docs` WHERE request_id = old.request_id;
END;
