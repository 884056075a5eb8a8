-- Beginnings of two and three characters get an index of their own. The table is filled anew in the background.
DROP TABLE `request_texts`;
--> statement-breakpoint
CREATE VIRTUAL TABLE `request_texts` USING fts5(prompt, negative_prompt, characters, facets, content='', contentless_delete=1, tokenize='ascii', prefix='2 3');
