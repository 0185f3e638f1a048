import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.lucene.analysis.core.WhitespaceAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.FieldType;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexOptions;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.LogDocMergePolicy;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.TopScoreDocCollector;
import org.apache.lucene.search.similarities.BM25Similarity;
import org.apache.lucene.store.MMapDirectory;

// Lucene inside its own JVM, asked over pipes and timed inside, which spares it the way from Python and back.
//
//   java LuceneServer.java build DOCS FOLDER K1 B      index one document a line, split at spaces
//   java LuceneServer.java serve FOLDER K1 B           answer lines until the input ends:
//     Q k word word ...          -> nanoseconds doc:score doc:score ...
//     B k threads, then a line with the number of queries and that many lines of words -> nanoseconds
public class LuceneServer {
  public static void main(String[] args) throws Exception {
    float k1 = Float.parseFloat(args[args.length - 2]);
    float b = Float.parseFloat(args[args.length - 1]);
    if (args[0].equals("build")) {
      build(Path.of(args[1]), Path.of(args[2]), new BM25Similarity(k1, b));
    } else {
      serve(Path.of(args[1]), new BM25Similarity(k1, b));
    }
  }

  static void build(Path docs, Path folder, BM25Similarity similarity) throws Exception {
    IndexWriterConfig config = new IndexWriterConfig(new WhitespaceAnalyzer());
    config.setSimilarity(similarity);
    config.setRAMBufferSizeMB(1000);
    config.setMergePolicy(new LogDocMergePolicy()); // neighbours only: a document's number stays its row
    FieldType type = new FieldType();
    type.setTokenized(true);
    type.setIndexOptions(IndexOptions.DOCS_AND_FREQS);
    type.freeze();
    try (MMapDirectory directory = new MMapDirectory(folder);
        IndexWriter writer = new IndexWriter(directory, config);
        BufferedReader reader = Files.newBufferedReader(docs)) {
      Field field = new Field("text", "", type);
      Document document = new Document();
      document.add(field);
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        field.setStringValue(line);
        writer.addDocument(document);
      }
      writer.forceMerge(1);
      writer.commit();
    }
  }

  static void serve(Path folder, BM25Similarity similarity) throws Exception {
    IndexSearcher searcher = new IndexSearcher(DirectoryReader.open(new MMapDirectory(folder)));
    searcher.setSimilarity(similarity);
    searcher.setQueryCache(null);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    System.out.println("ready");
    System.out.flush();
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ");
      int k = Integer.parseInt(words[1]);
      StringBuilder answer = new StringBuilder();
      if (words[0].equals("Q")) {
        long begin = System.nanoTime();
        TopDocs found = search(searcher, words, 2, k);
        answer.append(System.nanoTime() - begin);
        for (ScoreDoc hit : found.scoreDocs) {
          answer.append(' ').append(hit.doc).append(':').append(hit.score);
        }
      } else {
        List<String[]> queries = new ArrayList<>();
        for (int left = Integer.parseInt(in.readLine()); left > 0; --left) {
          queries.add(in.readLine().split(" "));
        }
        answer.append(batch(searcher, queries, k, Integer.parseInt(words[2])));
      }
      System.out.println(answer);
      System.out.flush();
    }
  }

  static long batch(IndexSearcher searcher, List<String[]> queries, int k, int threads) throws Exception {
    AtomicInteger next = new AtomicInteger();
    Callable<Void> work = () -> {
      for (int i = next.getAndIncrement(); i < queries.size(); i = next.getAndIncrement()) {
        search(searcher, queries.get(i), 0, k);
      }
      return null;
    };
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    long begin = System.nanoTime();
    for (var done : pool.invokeAll(java.util.Collections.nCopies(threads, work))) {
      done.get();
    }
    long nanoseconds = System.nanoTime() - begin;
    pool.shutdown();
    return nanoseconds;
  }

  // A hit count beyond k is not asked for: counting switches pruning off.
  static TopDocs search(IndexSearcher searcher, String[] words, int from, int k) throws Exception {
    BooleanQuery.Builder query = new BooleanQuery.Builder();
    for (int i = from; i < words.length; ++i) {
      query.add(new TermQuery(new Term("text", words[i])), BooleanClause.Occur.SHOULD);
    }
    return searcher.search(query.build(), TopScoreDocCollector.createSharedManager(k, null, k));
  }
}
