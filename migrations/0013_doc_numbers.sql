-- The number by which the full-text index knows a request moves into its own row: a table of its own with a trigger that
-- fills it cost a tenth of accepting a request, and each search a look into it.
CREATE TABLE `__new_requests` (
	`doc` integer PRIMARY KEY NOT NULL,
	`request_id` text NOT NULL,
	`state` text NOT NULL,
	`recipe_id` text,
	`model` text,
	`prompt` text,
	`negative_prompt` text,
	`aspect_ratio` text,
	`n` integer,
	`seed` integer,
	`steps` integer,
	`guidance_scale` real,
	`seed_given` integer NOT NULL,
	`response_format` text NOT NULL,
	`collection` text NOT NULL,
	`tags` text NOT NULL,
	`metadata` text NOT NULL,
	`reuse` integer NOT NULL,
	`webhook_url` text,
	`content_hash` text NOT NULL,
	`batch_id` text,
	`batch_item` integer,
	`job_id` text NOT NULL,
	`attempt` integer DEFAULT 0 NOT NULL,
	`error_code` text,
	`error_message` text,
	`submitted` text,
	`reused_from` text,
	`reproduces` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`archived_at` integer,
	`sidecar_at` integer,
	`mirrored_at` integer,
	`note` text,
	`deleted_at` integer,
	`erase_after` integer,
	`erased_at` integer,
	CONSTRAINT "requests_state" CHECK("__new_requests"."state" in ('queued', 'generating', 'copying', 'archived', 'failed', 'parked', 'cancelled')),
	CONSTRAINT "requests_recipe" CHECK("__new_requests"."recipe_id" is not null or "__new_requests"."state" = 'failed'),
	CONSTRAINT "requests_seed_is_explicit" CHECK("__new_requests"."seed" is null or "__new_requests"."seed" >= 0),
	CONSTRAINT "requests_archived_at" CHECK(("__new_requests"."state" = 'archived') = ("__new_requests"."archived_at" is not null)),
	CONSTRAINT "requests_reason" CHECK("__new_requests"."state" not in ('failed', 'parked') or "__new_requests"."error_code" is not null)
);
--> statement-breakpoint
INSERT INTO `__new_requests` (`doc`,
  `request_id`, `state`, `recipe_id`, `model`, `prompt`, `negative_prompt`, `aspect_ratio`, `n`, `seed`, `steps`,
  `guidance_scale`, `seed_given`, `response_format`, `collection`, `tags`, `metadata`, `reuse`, `webhook_url`,
  `content_hash`, `batch_id`, `batch_item`, `job_id`, `attempt`, `error_code`, `error_message`, `submitted`,
  `reused_from`, `reproduces`, `created_at`, `updated_at`, `archived_at`, `sidecar_at`, `mirrored_at`, `note`,
  `deleted_at`, `erase_after`, `erased_at`)
SELECT d.`doc`,
  r.`request_id`, r.`state`, r.`recipe_id`, r.`model`, r.`prompt`, r.`negative_prompt`, r.`aspect_ratio`, r.`n`,
  r.`seed`, r.`steps`, r.`guidance_scale`, r.`seed_given`, r.`response_format`, r.`collection`, r.`tags`, r.`metadata`,
  r.`reuse`, r.`webhook_url`, r.`content_hash`, r.`batch_id`, r.`batch_item`, r.`job_id`, r.`attempt`, r.`error_code`,
  r.`error_message`, r.`submitted`, r.`reused_from`, r.`reproduces`, r.`created_at`, r.`updated_at`, r.`archived_at`,
  r.`sidecar_at`, r.`mirrored_at`, r.`note`, r.`deleted_at`, r.`erase_after`, r.`erased_at`
FROM `search_docs` d CROSS JOIN `requests` r ON r.`request_id` = d.`request_id` ORDER BY d.`doc`;
--> statement-breakpoint
-- none, but a row must not be lost for lack of a number
INSERT INTO `__new_requests` (
  `request_id`, `state`, `recipe_id`, `model`, `prompt`, `negative_prompt`, `aspect_ratio`, `n`, `seed`, `steps`,
  `guidance_scale`, `seed_given`, `response_format`, `collection`, `tags`, `metadata`, `reuse`, `webhook_url`,
  `content_hash`, `batch_id`, `batch_item`, `job_id`, `attempt`, `error_code`, `error_message`, `submitted`,
  `reused_from`, `reproduces`, `created_at`, `updated_at`, `archived_at`, `sidecar_at`, `mirrored_at`, `note`,
  `deleted_at`, `erase_after`, `erased_at`)
SELECT
  `request_id`, `state`, `recipe_id`, `model`, `prompt`, `negative_prompt`, `aspect_ratio`, `n`, `seed`, `steps`,
  `guidance_scale`, `seed_given`, `response_format`, `collection`, `tags`, `metadata`, `reuse`, `webhook_url`,
  `content_hash`, `batch_id`, `batch_item`, `job_id`, `attempt`, `error_code`, `error_message`, `submitted`,
  `reused_from`, `reproduces`, `created_at`, `updated_at`, `archived_at`, `sidecar_at`, `mirrored_at`, `note`,
  `deleted_at`, `erase_after`, `erased_at`
FROM `requests` WHERE `request_id` NOT IN (SELECT `request_id` FROM `search_docs`) ORDER BY `created_at`, `request_id`;
--> statement-breakpoint
DROP TABLE `search_docs`;
--> statement-breakpoint
DROP TABLE `requests`;--> statement-breakpoint
ALTER TABLE `__new_requests` RENAME TO `requests`;--> statement-breakpoint
CREATE UNIQUE INDEX `requests_request_id_unique` ON `requests` (`request_id`);--> statement-breakpoint
CREATE INDEX `requests_by_recipe` ON `requests` (`recipe_id`);--> statement-breakpoint
CREATE INDEX `requests_by_age` ON `requests` (`created_at`,`request_id`);--> statement-breakpoint
CREATE INDEX `requests_by_state` ON `requests` (`state`,`updated_at`);--> statement-breakpoint
CREATE INDEX `requests_by_batch` ON `requests` (`batch_id`,`state`);--> statement-breakpoint
CREATE INDEX `requests_to_seal` ON `requests` (`updated_at`) WHERE state = 'archived' and sidecar_at is null;--> statement-breakpoint
CREATE INDEX `requests_by_original` ON `requests` (`reproduces`) WHERE reproduces is not null;--> statement-breakpoint
CREATE INDEX `requests_reused` ON `requests` (`batch_id`) WHERE reused_from is not null;--> statement-breakpoint
CREATE INDEX `requests_to_erase` ON `requests` (`erase_after`) WHERE erase_after is not null and erased_at is null;
--> statement-breakpoint
CREATE TRIGGER `requests_search_update` AFTER UPDATE OF `collection`, `tags`, `batch_id` ON `requests`
WHEN new.doc <= (SELECT max(id) FROM `request_texts_docsize`)
AND (old.collection IS NOT new.collection OR old.tags IS NOT new.tags OR old.batch_id IS NOT new.batch_id) BEGIN
  UPDATE `request_texts` SET prompt = search_words(new.prompt), negative_prompt = search_words(new.negative_prompt),
    characters = search_characters(new.prompt, new.negative_prompt),
    facets = search_facets(new.collection, new.tags, new.batch_id, new.model, new.aspect_ratio, new.n, new.seed, new.steps, new.guidance_scale)
  WHERE rowid = new.doc;
END;
--> statement-breakpoint
CREATE TRIGGER `requests_search_delete` AFTER DELETE ON `requests` BEGIN
  DELETE FROM `request_texts` WHERE rowid = old.doc;
END;
