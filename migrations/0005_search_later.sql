-- A request only gets its number when it is written; its words follow in groups (src/catalog/search-index.ts), since
-- indexing them one by one would cost more than all the rest of accepting it.
DROP TRIGGER `requests_search_insert`;
--> statement-breakpoint
CREATE TRIGGER `requests_search_insert` AFTER INSERT ON `requests` BEGIN
  INSERT INTO `search_docs` (`request_id`) VALUES (new.request_id);
END;
--> statement-breakpoint
DROP TRIGGER `requests_search_update`;
--> statement-breakpoint
CREATE TRIGGER `requests_search_update` AFTER UPDATE OF `collection`, `tags`, `batch_id` ON `requests`
WHEN old.collection IS NOT new.collection OR old.tags IS NOT new.tags OR old.batch_id IS NOT new.batch_id BEGIN
  UPDATE `request_texts` SET prompt = search_words(new.prompt), negative_prompt = search_words(new.negative_prompt),
    characters = search_characters(new.prompt, new.negative_prompt),
    facets = search_facets(new.collection, new.tags, new.batch_id, new.model, new.aspect_ratio, new.n, new.seed, new.steps, new.guidance_scale)
  WHERE rowid = (
    SELECT doc FROM `search_docs` WHERE request_id = new.request_id
      AND doc <= (SELECT max(id) FROM `request_texts_docsize`)
  );
END;
